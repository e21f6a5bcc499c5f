"""What painting costs an expert: not planes, but clicks and outlines."""

from __future__ import annotations

import statistics

from ..grid.methods import FULL
from .document import Cell, Table
from .results import Results, percent

MEASURES = ("clicks", "planes", "outlines", "contour_mm")


def table_of_costs(results: Results) -> Table | None:
    """A row for each selector and fraction: means over cases; None where the store is older than these measures."""
    found: dict[tuple[str, float], dict[tuple, dict]] = {}
    for row in results.done:
        if row["selector"] != FULL and row.get("outlines") is not None:
            # The same planes, whatever predictors use them.
            found.setdefault((row["selector"], row["fraction"]), {})[row["case_name"], row["seed"]] = row
    if not found:
        return None
    rows = []
    for selector in results.selectors:
        for fraction in results.fractions:
            if (selector, fraction) in found:
                clicks, planes, outlines, contour_mm = (
                    statistics.fmean(row[name] for row in found[selector, fraction].values()) for name in MEASURES
                )
                numbers = f"{clicks:.1f}", f"{planes:.1f}", f"{outlines:.1f}", f"{contour_mm / 1000:.2f}"
                rows.append([Cell(selector), Cell(percent(fraction)), *map(Cell, numbers)])
    note = (
        "Means over cases and seeds. Clicks on first and last planes; outlines: over the painted planes, how many "
        "structures each shows; contour: the length of all outlines."
    )
    header = ["selector", "painted", "clicks", "planes", "outlines", "contour (m)"]
    return Table("Clicks, planes, outlines and contour", header, rows, note, labels=2)
