"""The rows of a store, put in order for tables: one value a case, methods and fractions in their order."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..grid.methods import FULL
from ..grid.result import DONE

# Shown first and compared with, where it is there; else the first one that was evaluated.
_USUAL_SELECTOR, _USUAL_FRACTION = "keep-n", 0.2


class Setting(NamedTuple):
    """What tables never mix: fractions of what, along which axis, of which classes, whole planes or crops."""

    of: str
    axis: str
    classes: tuple[str, ...]
    crop_px: int | None
    clicks: str = "all"
    initial: str | None = None

    @property
    def title(self) -> str:
        """In words, for a heading."""
        parts = [
            f"fractions of the {self.of}",
            "axis chosen by spacing" if self.axis == "auto" else f"axis {self.axis}",
        ]
        if self.classes:
            parts.append("classes " + ", ".join(self.classes))
        if self.crop_px:
            parts.append(f"random crops of {self.crop_px} pixels")
        if self.clicks != "all":
            parts.append("each structure's ends clicked" if self.clicks == "structures" else "nothing clicked")
        if self.initial:
            parts.append(f"started from the segmentations in {self.initial}")
        return ", ".join(parts)


class Method(NamedTuple):
    """A predictor on the planes of a selector."""

    predictor: str
    selector: str


@dataclass(frozen=True)
class Results:
    """What is finished, one result for each cell of the grid.

    Attributes
    ----------
    done, failed : rows of the store
    """

    done: list[dict[str, Any]]
    failed: list[dict[str, Any]]

    @classmethod
    def from_rows(cls, rows: Iterable[dict[str, Any]], keys: set[str] | None = None) -> Results:
        """From all rows of a store, the oldest first: of each cell the newest, or only those with these keys."""
        cells: dict[tuple, dict[str, Any]] = {}
        for row in rows:
            if keys is None or row["key"] in keys:
                cell = (
                    setting_of(row),
                    row["selector"],
                    row["predictor"],
                    row["fraction"],
                    row["case_name"],
                    row["seed"],
                )
                cells[cell] = row
        chosen = list(cells.values())
        failed = [row for row in chosen if row["state"] != DONE]
        return cls([row for row in chosen if row["state"] == DONE], failed)

    @cached_property
    def settings(self) -> list[Setting]:
        """In the order in which they came."""
        return list(dict.fromkeys(map(setting_of, self.done)))

    def of_setting(self, setting: Setting) -> Results:
        """The results of one setting alone."""
        return Results([row for row in self.done if setting_of(row) == setting], [])

    @cached_property
    def selectors(self) -> list[str]:
        """The usual one first, the others in the order in which they came; without the baseline."""
        names = [name for name in dict.fromkeys(row["selector"] for row in self.done) if name != FULL]
        return sorted(names, key=lambda name: name != _USUAL_SELECTOR)

    @cached_property
    def predictors(self) -> list[str]:
        """In the order in which they came."""
        return list(dict.fromkeys(row["predictor"] for row in self.done))

    @cached_property
    def fractions(self) -> list[float]:
        """Ascending; without the baseline's."""
        return sorted({row["fraction"] for row in self.done if row["selector"] != FULL})

    @cached_property
    def cases(self) -> list[str]:
        """By name."""
        return sorted({row["case_name"] for row in self.done})

    @cached_property
    def usual_fraction(self) -> float | None:
        """The one nearest to 20 %, by which cases and classes are shown."""
        return min(self.fractions, key=lambda fraction: abs(fraction - _USUAL_FRACTION), default=None)

    @cached_property
    def methods(self) -> list[Method]:
        """All pairs that were evaluated, by predictor and selector in their orders."""
        there = {(row["predictor"], row["selector"]) for row in self.done}
        pairs = ((predictor, selector) for predictor in self.predictors for selector in self.selectors)
        return [Method(*pair) for pair in pairs if pair in there]

    @cached_property
    def _by_cell(self) -> dict[tuple, list[dict[str, Any]]]:
        cells: dict[tuple, list[dict[str, Any]]] = defaultdict(list)
        for row in self.done:
            cells[row["predictor"], row["selector"], row["fraction"]].append(row)
        return cells

    def rows_of(self, method: Method, fraction: float) -> list[dict[str, Any]]:
        """The rows of one cell, all cases and seeds."""
        return self._by_cell.get((*method, fraction), [])

    def per_case(self, method: Method, fraction: float, measure: str) -> dict[str, float]:
        """Mean over the seeds of a measure, by case; cases for which it is not defined are left out."""
        values: dict[str, list[float]] = defaultdict(list)
        for row in self.rows_of(method, fraction):
            if row.get(measure) is not None:
                values[row["case_name"]].append(row[measure])
        return {case: statistics.fmean(found) for case, found in values.items()}

    def on_common_cases(self) -> Results | None:
        """What was measured on the same cases; None where that is everything, or next to nothing.

        Of the methods, those that have at least half of the cases at every fraction; of the cases, those that all of
        these have.
        """
        cases = {
            method: [set(self.per_case(method, fraction, "dice_all")) for fraction in self.fractions]
            for method in self.methods
        }
        most = max((len(found) for sets in cases.values() for found in sets), default=0)
        if all(len(found) == most for sets in cases.values() for found in sets):
            return None
        kept = {method: sets for method, sets in cases.items() if min(map(len, sets)) >= most / 2}
        common = set.intersection(*(found for sets in kept.values() for found in sets)) if kept else set()
        if len(kept) < 2 or not common:
            return None
        wanted = {tuple(method) for method in kept}
        rows = [row for row in self.done if (row["predictor"], row["selector"]) in wanted]
        return Results([row for row in rows if row["case_name"] in common], [])


def setting_of(row: dict[str, Any]) -> Setting:
    """The setting that a row belongs to."""
    view = row["view"]
    later = view.get("clicks", "all"), view.get("initial")
    return Setting(row["fraction_of"], view["axis"], tuple(view["classes"]), view["crop_px"], *later)


class Spread(NamedTuple):
    """Mean, standard deviation (of a sample) and number of values."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """None where there is no value."""
        values = list(values)
        if not values:
            return None
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))


def percent(fraction: float) -> str:
    """12.5 % for 0.125."""
    return f"{100 * fraction:g} %"
