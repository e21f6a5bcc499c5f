"""The table of planes that a cohort's network asks for: `cohort suggest` writes it, the next one and the panel read it.

It holds every plane of every scan, so that everybody can see what was passed over and why, and so that the next round
can tell how much the mean has changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.tables import read_table

# What becomes of a plane. "near" stands for too close to a painted plane, or to one that is asked for.
ASKED, PAINTED, NEAR, OUTSIDE, LEFT = "asked for", "painted", "too near", "outside", "left"

COLUMNS = ("order", "scan", "plane", "agreement", "state", "image", "labels", "axis", "classes")

# The loop ends when the mean changes by less (Zhang 2019).
SIGMA = 0.005


@dataclass(frozen=True)
class PlaneRow:
    """One plane.

    Attributes
    ----------
    order : from 1 for planes that are asked for, the first one first; None for others
    agreement : P-DSC or P-accuracy of the network's outputs
    state : what becomes of it
    image, labels : the scan's files, as they stand in the table; "" where it has no labels yet
    axis : the annotation axis, along which planes are counted
    classes : of planes that are asked for, what to paint: "1=liver; 2=tumour"
    """

    scan: str
    plane: int
    agreement: float
    state: str
    order: int | None = None
    image: str = ""
    labels: str = ""
    axis: str = "k"
    classes: str = ""


def as_csv(rows: Iterable[PlaneRow]) -> str:
    """A line a plane: those that are asked for first, in their order, then the others scan by scan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(rows, key=lambda row: (row.order is None, row.order or 0, row.scan, row.plane)):
        order = "" if one.order is None else one.order
        files = one.image, one.labels, one.axis, one.classes
        writer.writerow([order, one.scan, one.plane, f"{one.agreement:.4f}", one.state, *files])
    return text.getvalue()


def read(path: str | Path) -> list[PlaneRow]:
    """The rows of a table.

    Raises
    ------
    InputError
        For another table.
    """
    try:
        rows = read_table(Path(path))
        return [_row(one) for one in rows]
    except (OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no table that `cohort suggest` wrote ({error}): give another one") from error


def _row(cells: Mapping[str, str]) -> PlaneRow:
    order = int(cells["order"]) if cells["order"] else None
    texts = {name: cells[name] for name in ("scan", "state", "image", "labels", "axis", "classes")}
    return PlaneRow(plane=int(cells["plane"]), agreement=float(cells["agreement"]), order=order, **texts)


def structures_in(classes: str) -> list[tuple[int, str]]:
    """(value, name) of each structure in the text of `PlaneRow.classes`; what cannot be understood is passed over."""
    pairs = (part.partition("=") for part in classes.split(";"))
    return [(int(value), name.strip()) for value, _, name in pairs if value.strip().isdigit() and name.strip()]


def waiting(rows: Iterable[PlaneRow]) -> dict[str, list[PlaneRow]]:
    """The planes that are asked for, by scan: the scan with the first one first, planes in their order."""
    found: dict[str, list[PlaneRow]] = {}
    for one in sorted((row for row in rows if row.order is not None), key=lambda row: row.order):
        found.setdefault(one.scan, []).append(one)
    return found


def mean_agreement(rows: Sequence[PlaneRow]) -> float:
    """Over all planes of all scans."""
    return float(np.mean([one.agreement for one in rows]))


def progress(rows: Sequence[PlaneRow], before: Sequence[PlaneRow] | None, measure: str) -> str:
    """In a sentence: the mean, and whether the loop has ended, which is when it changes by less than `SIGMA`.

    Parameters
    ----------
    before : the rows of the round before; planes that only one of both holds do not count
    measure : what the agreement is called
    """
    told = f"mean {measure} of {len(rows)} planes: {mean_agreement(rows):.4f}"
    if before is None:
        return f"{told}; give --before TABLE.csv of the last round, to learn when to stop"
    then = {(one.scan, one.plane): one.agreement for one in before}
    both = [(one.agreement, then[one.scan, one.plane]) for one in rows if (one.scan, one.plane) in then]
    if not both:
        return f"{told}; the round before was about other scans, so that nothing can be compared"
    now, earlier = (float(np.mean(values)) for values in zip(*both, strict=True))
    common = "" if len(both) == len(rows) else f" (of the {len(both)} planes of both rounds {now:.4f})"
    end = (
        f"less than {SIGMA}: the loop has ended, more painting changes little (Zhang 2019)"
        if abs(now - earlier) < SIGMA
        else f"{SIGMA} or more: go on"
    )
    return f"{told}{common}, in the round before {earlier:.4f}: changed by {now - earlier:+.4f}, {end}"
