"""Tables (.csv) that users write by hand or with a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from .headers import decoded


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table by the names of its columns; text that is not UTF-8 is Latin-1, as Excel saves it.

    Raises
    ------
    OSError, csv.Error
        Where it cannot be read.
    """
    text = decoded(Path(path).read_bytes()).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True))
