"""What a report consists of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """A piece of a table: `strong` for the best of its group, `marked` for the best of its column."""

    text: str
    strong: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first `labels` columns are names, the others numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    labels: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture: an SVG's text, or the bytes of a PNG."""

    title: str
    data: str | bytes
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it; a text is a paragraph, a list of texts a list."""

    title: str
    parts: Sequence[str | list[str] | Table | Figure] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    sections: Sequence[Section]
