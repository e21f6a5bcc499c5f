"""A report as Markdown: its texts and tables; the pictures are in the HTML page."""

from __future__ import annotations

from .document import Cell, Document, Figure, Table


def markdown_of(document: Document) -> str:
    """The whole report."""
    lines = [f"# {document.title}", ""]
    for section in document.sections:
        parts = [part for part in section.parts if not isinstance(part, Figure)]
        if parts:
            lines += [f"## {section.title}", ""]
        for part in parts:
            lines += _part(part)
    return "\n".join(lines).rstrip() + "\n"


def _part(part: str | list[str] | Table) -> list[str]:
    if isinstance(part, str):
        return [part, ""]
    if isinstance(part, list):
        return [*(f"- {text}" for text in part), ""]
    title = [f"**{part.title}**", ""] if part.title else []
    return [*title, *table_lines(part), "", *([part.note, ""] if part.note else [])]


def table_lines(table: Table) -> list[str]:
    """A Markdown table; names are left-aligned, numbers right-aligned."""
    rule = "".join("|---" if number < table.labels else "|---:" for number in range(len(table.header))) + "|"
    return [_line([Cell(text) for text in table.header]), rule, *map(_line, table.rows)]


def _line(cells) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|").replace("\n", " ")
    return f"**{text}**" if cell.strong else text
