"""Tables (.csv) that users write by hand or with a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import string
from collections.abc import Iterable, Mapping
from pathlib import Path

from .headers import decoded

# What is in two or four bytes a letter begins with a mark, or with the first letter of a column's name among zeros.
_WIDE = (
    ("utf-32-le", rb"\xff\xfe\0\0|[^\0]\0\0\0"),
    ("utf-32-be", rb"\0\0\xfe\xff|\0\0\0[^\0]"),
    ("utf-16-le", rb"\xff\xfe|[^\0]\0"),
    ("utf-16-be", rb"\xfe\xff|\0[^\0]"),
)
# Excel writes semicolons where the comma is the decimal sign, and tabs with "Unicode text".
_DELIMITERS = ",;\t"
# Control characters but for those that end lines and columns.
_NO_TEXT = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")


# Blanks of no width, marks of direction and of byte order.
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xa0"

# The column of what a row has too many.
MORE_VALUES = "more values than columns"


class Row(dict[str, str]):
    """What a row holds by the names of its columns, and its `line` in the file, from 1, as an editor counts."""

    def __init__(self, values: Iterable[tuple[str, str]] | Mapping[str, str], line: int):
        super().__init__(values)
        self.line = line


def read_table(path: Path) -> list[Row]:
    """The rows of a table by the names of its columns, which commas, semicolons or tabs separate.

    Text that is not UTF-8 is Latin-1, as Excel saves it, or UTF-16 or UTF-32, which its zeros tell. Names and values
    come without blanks around them, and what a row has too many is told as a column of its own. Rows without any value
    are left out.

    Raises
    ------
    OSError, csv.Error
        Where it cannot be read, or a column has no name or that of another one.
    """
    text = text_of(Path(path).read_bytes())
    if "\0" in text or (_NO_TEXT.search(text[:1000])):
        raise csv.Error("it holds bytes that are no text")
    said = re.match(r"sep=(.)\r?\n", text)
    delimiter = said[1] if said else _delimiter(text)
    begins = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*").match(text, said.end() if said else 0).end()
    lines = io.StringIO(text[begins:], newline="")
    rows = csv.DictReader(lines, restkey=MORE_VALUES, restval="", strict=True, delimiter=delimiter)
    columns = [_bare(name) for name in rows.fieldnames or ()]
    double = next((name for name in columns if columns.count(name) > 1), None)
    if double is not None:
        raise csv.Error(f"two columns are called {double!r}" if double else "two columns have no name")
    rows.fieldnames = columns
    before = _line_ends(text[:begins])
    return [found for row in rows if any((found := _row(row, before + rows.line_num)).values())]


def _row(row: dict[str, str], last_line: int) -> Row:
    """Without blanks; a quoted value may go on over lines."""
    values = {name: _bare(value) if isinstance(value, str) else value for name, value in row.items()}
    return Row(values, last_line - sum(_line_ends(value) for value in row.values() if isinstance(value, str)))


def _bare(text: str) -> str:
    """Without blanks around it, those that cannot be seen among them (copied from web pages)."""
    return text.strip(_UNSEEN + string.whitespace).strip()


def _line_ends(text: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text))


def text_of(content: bytes) -> str:
    """Text as Windows saves it: UTF-8 with or without a mark, UTF-16 or UTF-32, else Latin-1."""
    for name, begins in _WIDE:
        if re.match(begins, content):
            return content.decode(name, "replace").removeprefix("\ufeff")
    return decoded(content).removeprefix("\ufeff")


def _delimiter(text: str) -> str:
    """What the line with the names of the columns holds most of, outside quotes; a comma where it holds none."""
    names = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    return max(_DELIMITERS, key=names.count)
