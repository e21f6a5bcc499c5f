"""One labelled case of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledCase:
    """An image and its reference labels, in files.

    Attributes
    ----------
    name : unique in the data set
    class_names : (value, name) of the structures, where the data set names them
    channel : which frame of a 4-D image, or which channel or colour to take; None: the first frame, or the only channel
    """

    name: str
    image: Path
    labels: Path
    class_names: tuple[tuple[int, str], ...] = ()
    channel: int | None = None
