"""What Specktor-Fadida 2023 found, sentence by sentence: seen in a study, or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .intervals import told_change
from .plan import STEPS
from .table import in_pairs, of_arm

# What must be larger for a claim to be seen, and what smaller: arm and step ("" stands for the last step there is).
_PARTIAL, _FULL, _BARE = ("partial", ""), ("full", ""), ("partial-no-borders", "")
_BETTER = (
    ("in", _PARTIAL, _FULL, "partial annotation is no worse than full annotation of the same effort"),
    ("in", _PARTIAL, _BARE, "knowing the border slices helps"),
    ("in", ("partial", "two"), ("partial", "one"), "the second step of training helps partial annotation"),
    ("in", ("full", "two"), ("full", "one"), "the second step of training helps full annotation"),
    ("scanner", _PARTIAL, _FULL, "partial annotation is better than full annotation on other scanners' scans"),
    ("out", _PARTIAL, _FULL, "partial annotation is better than full annotation out of distribution"),
    ("scanner", ("partial", "two"), ("partial", "one"), "the second step helps partial annotation on other scanners'"),
    ("out", ("partial", "two"), ("partial", "one"), "the second step helps partial annotation out of distribution"),
    ("scanner", ("full", "one"), ("full", "two"), "the second step harms full annotation on other scanners' scans"),
    ("out", ("full", "one"), ("full", "two"), "the second step harms full annotation out of distribution"),
)
_CLOSER = (
    ("in", "outlines of partial annotation are as close (2-D ASSD) as those of full annotation"),
    ("scanner", "outlines of partial annotation are closer (2-D ASSD) on other scanners' scans"),
    ("out", "outlines of partial annotation are closer (2-D ASSD) out of distribution"),
)
_PLACES = (("in", "in distribution"), ("scanner", "other scanner"), ("out", "out of distribution"))
_STEADIER = (
    *((where, "dice", _FULL, f"results of partial annotation spread less ({name})") for where, name in _PLACES),
    *((where, "assd_2d_mm", _FULL, f"2-D ASSD of partial annotation spreads less ({name})") for where, name in _PLACES),
    ("in", "dice", _BARE, "with border slices results spread less than without"),
)


def as_markdown(results: Sequence[dict[str, Any]]) -> str:
    """A table with a line for each claim that the study can tell of; empty where it can tell of none.

    Claims are about the Dice unless they name the 2-D ASSD: means over the same tests, and their difference with its
    95 % interval (Student's t) over randomisations (folds and seeds). What the interval leaves open is "unclear", as is
    all of one randomisation.
    """
    rows = [row for claim in _BETTER if (row := _better(results, *claim))]
    rows += [row for claim in _CLOSER if (row := _closer(results, *claim))]
    rows += [row for claim in _STEADIER if (row := _steadier(results, *claim))]
    if not rows:
        return ""
    lines = ["| claim of the paper | here | seen |", "| --- | --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _pairs(results, where: str, first: tuple[str, str], second: tuple[str, str]) -> list[tuple[dict, dict]]:
    """The same tests of two kinds of networks, where no step is asked for after the last one that both have."""
    for last in (*reversed(STEPS), ""):
        groups = [of_arm(results, arm, step or last, where) for arm, step in (first, second)]
        found = in_pairs(*groups)
        if found:
            return found
    return []


def _better(results, where: str, first: tuple[str, str], second: tuple[str, str], claim: str) -> str | None:
    pairs = _pairs(results, where, first, second)
    if not pairs:
        return None
    a, b = _values(pairs, "dice")
    by_run = [float(np.mean(a[run] - b[run])) for run in _runs(pairs)]
    told, seen = told_change(float(a.mean() - b.mean()), by_run)
    return f"| {claim} | {a.mean():.3f} against {b.mean():.3f}: {told}, {len(pairs)} tests | {seen} |"


def _closer(results, where: str, claim: str) -> str | None:
    pairs = _known(_pairs(results, where, _PARTIAL, _FULL), "assd_2d_mm")
    if not pairs:
        return None
    a, b = _values(pairs, "assd_2d_mm")
    by_run = [float(np.mean(b[run] - a[run])) for run in _runs(pairs)]
    told, seen = told_change(float(b.mean() - a.mean()), by_run, digits=1)
    means = f"{a.mean():.1f} against {b.mean():.1f} mm"
    return f"| {claim} | {means}; full minus partial: {told}, {len(pairs)} tests | {seen} |"


def _steadier(results, where: str, measure: str, other: tuple[str, str], claim: str) -> str | None:
    pairs = _known(_pairs(results, where, _PARTIAL, other), measure)
    if len(pairs) < 2:
        return None
    a, b = _values(pairs, measure)
    digits, name, unit = (3, "Dice", "") if measure == "dice" else (1, "2-D ASSD", " mm")
    minus = "full minus partial" if other == _FULL else "without minus with"
    by_run = [_deviation(b[run]) - _deviation(a[run]) for run in _runs(pairs) if run.sum() > 1]
    together = f"standard deviation of the {name} {_deviation(a):.{digits}f} against {_deviation(b):.{digits}f}{unit}"
    if not by_run:
        return f"| {claim} | {together} | unclear |"
    told, seen = told_change(float(np.mean(by_run)), by_run, digits)
    return f"| {claim} | {together}; {minus} in each randomisation: {told} | {seen} |"


def _known(pairs, measure: str) -> list[tuple[dict, dict]]:
    return [pair for pair in pairs if all(one[measure] is not None for one in pair)]


def _values(pairs, measure: str) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.array([pair[n][measure] for pair in pairs], float) for n in (0, 1))
    return first, second


def _runs(pairs) -> list[np.ndarray]:
    """For each randomisation, which of the tests are its."""
    runs = np.array([f"{one['fold']} {one['seed']}" for one, _ in pairs])
    return [runs == run for run in np.unique(runs)]


def _deviation(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1))
