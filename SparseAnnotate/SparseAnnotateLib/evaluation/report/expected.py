"""How far the Dice that is expected can be trusted, and what was warned of."""

from __future__ import annotations

import numpy as np

from ..grid.methods import FULL
from .document import Cell, Table
from .results import Results, percent
from .tables import NOTHING

_MOST_WARNINGS = 30


def expected_and_true(results: Results, predictor: str) -> np.ndarray:
    """Expected and true Dice of every result of a predictor that expects one, shape (results, 2)."""
    pairs = [
        (row["expected_dice"], row["dice_all"])
        for row in results.done
        if row["predictor"] == predictor and row["selector"] != FULL
    ]
    return np.array([pair for pair in pairs if None not in pair], float).reshape(-1, 2)


def table_of_expected_dice(results: Results) -> Table | None:
    """Correlation and errors by predictor; None where none of them expects anything."""
    rows = []
    for predictor in results.predictors:
        pairs = expected_and_true(results, predictor)
        if not len(pairs):
            continue
        errors = pairs[:, 0] - pairs[:, 1]
        varied = len(pairs) > 2 and pairs.std(axis=0).min() > 0
        correlation = f"{np.corrcoef(pairs.T)[0, 1]:.2f}" if varied else NOTHING.text
        numbers = [str(len(pairs)), correlation, f"{errors.mean():+.3f}", f"{np.abs(errors).mean():.3f}"]
        rows.append([Cell(predictor), *map(Cell, [*numbers, f"{np.percentile(np.abs(errors), 90):.3f}"])])
    header = ["predictor", "results", "correlation", "mean error", "mean absolute error", "90 % are within"]
    return Table("Expected against true Dice", header, rows) if rows else None


def table_of_warnings(results: Results) -> Table | None:
    """A row for each sentence, where the true Dice is lowest first; None where nobody was warned."""
    warned = sorted((row for row in results.done if row.get("warnings")), key=lambda row: row["dice_all"])
    rows = []
    for row in warned:
        method = row["case_name"], row["predictor"], row["selector"], percent(row["fraction"])
        dice = _dice(row["expected_dice"]), _dice(row["dice_all"])
        rows += [[*map(Cell, (*method, sentence, *dice))] for sentence in row["warnings"]]
    if not rows:
        return None
    note = f"{len(warned)} of {len(results.done)} results have a warning."
    if len(rows) > _MOST_WARNINGS:
        note += f" The {_MOST_WARNINGS} with the lowest Dice of {len(rows)}; results.csv has all."
    header = ["case", "predictor", "selector", "painted", "warning", "expected Dice", "true Dice"]
    return Table("Warnings", header, rows[:_MOST_WARNINGS], note, labels=5)


def _dice(value: float | None) -> str:
    return NOTHING.text if value is None else f"{value:.3f}"
