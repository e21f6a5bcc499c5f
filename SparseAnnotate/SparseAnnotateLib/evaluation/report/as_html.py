"""A report as one HTML page that needs nothing else, on a screen or on paper."""

from __future__ import annotations

import base64
from html import escape

from .document import Cell, Document, Figure, Section, Table

_ROWS_OF_A_PAGE = 40
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1b1f24; background: #fff;
       max-width: 1080px; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; padding-top: .4rem; border-top: 2px solid #d9dee5; }
nav { margin: .8rem 0; line-height: 2; display: flex; flex-wrap: wrap; }
nav a { margin-right: 1.1em; color: #0b5cad; text-decoration: none; white-space: nowrap; }
figure { margin: 1.2rem 0; break-inside: avoid; }
figure svg, figure img { max-width: 100%; height: auto; display: block; }
figcaption, caption { text-align: left; font-weight: 600; margin-bottom: .3rem; }
.note { color: #57606a; font-size: .88em; font-weight: 400; margin: .25rem 0 0; }
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9em; }
caption { caption-side: top; }
th, td { padding: .22rem .6rem; border-bottom: 1px solid #e3e7ec; vertical-align: top; }
thead th { border-bottom: 2px solid #8c959f; text-align: right; vertical-align: bottom; }
th.name, td.name { text-align: left; }
td { text-align: right; white-space: nowrap; }
td.name { white-space: normal; overflow-wrap: break-word; }
tr.group td { border-top: 2px solid #b6bec8; }
td.marked { background: #dff3e4; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
ul { padding-left: 1.2rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(460px, 1fr)); gap: 0 1.2rem; }
@media print {
  @page { size: A4; margin: 13mm 11mm; }
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  nav { display: none; }
  h2 { break-after: avoid; }
  .wide { overflow: visible; }
  table { font-size: 7.6pt; }
  th, td { padding: .12rem .35rem; }
  thead { display: table-header-group; }
  tr, .short { break-inside: avoid; }
  .pictures { grid-template-columns: 1fr 1fr; }
}
"""


def html_of(document: Document) -> str:
    """The whole page."""
    links = "".join(f'<a href="#{_anchor(n)}">{escape(one.title)}</a>' for n, one in enumerate(document.sections))
    sections = "\n".join(_section(number, section) for number, section in enumerate(document.sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(document.title)}</h1>\n<nav>{links}</nav>\n{sections}\n</body>\n</html>\n"
    )


def _anchor(number: int) -> str:
    return f"section-{number + 1}"


def _section(number: int, section: Section) -> str:
    pictures = [part for part in section.parts if isinstance(part, Figure) and isinstance(part.data, bytes)]
    parts = [_part(part) for part in section.parts if part not in pictures]
    if pictures:
        parts.append(f'<div class="pictures">{"".join(map(_figure, pictures))}</div>')
    body = "\n".join(parts)
    return f'<section id="{_anchor(number)}">\n<h2>{escape(section.title)}</h2>\n{body}\n</section>'


def _part(part: str | list[str] | Table | Figure) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, list):
        return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in part) + "</ul>"
    return _table(part) if isinstance(part, Table) else _figure(part)


def _figure(figure: Figure) -> str:
    title = escape(figure.title)
    if isinstance(figure.data, str):
        picture = figure.data.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    else:
        data = base64.b64encode(figure.data).decode("ascii")
        picture = f'<img alt="{title}" src="data:image/png;base64,{data}">'
    return f"<figure><figcaption>{title}</figcaption>{picture}{_note(figure.note)}</figure>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def _table(table: Table) -> str:
    head = "".join(_cell("th", Cell(text), number < table.labels) for number, text in enumerate(table.header))
    rows, before = [], None
    for row in table.rows:
        # Where the first of two names repeats, a line sets the groups apart.
        new_group = table.labels > 1 and before is not None and row[0].text != before
        before = row[0].text
        cells = "".join(_cell("td", cell, number < table.labels) for number, cell in enumerate(row))
        rows.append(f'<tr class="group">{cells}</tr>' if new_group else f"<tr>{cells}</tr>")
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    body = f"<thead><tr>{head}</tr></thead>\n<tbody>" + "\n".join(rows) + "</tbody>"
    # A table that fits on a page stays with its title.
    kind = "wide short" if len(table.rows) <= _ROWS_OF_A_PAGE else "wide"
    return f'<div class="{kind}"><table>{caption}\n{body}</table>{_note(table.note)}</div>'


def _cell(tag: str, cell: Cell, is_name: bool) -> str:
    classes = " ".join(filter(None, ("name" if is_name else "", "marked" if cell.marked else "")))
    text = f"<strong>{escape(cell.text)}</strong>" if cell.strong else escape(cell.text)
    return f'<{tag} class="{classes}">{text}</{tag}>' if classes else f"<{tag}>{text}</{tag}>"
