"""The table of a cohort study, as Markdown and CSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .plan import ARMS, STEPS

MEASURES = {"dice": "Dice", "hausdorff_mm": "Hausdorff (mm)", "hausdorff95_mm": "Hausdorff 95 (mm)"}
MEASURES |= {"assd_2d_mm": "2-D ASSD (mm)"}
_DISTRIBUTIONS = {"in": "in", "scanner": "simulated scanner", "out": "out of"}
_COLUMNS = ("arm", "step", "distribution", "scans", "planes", "tests")


def summary(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each arm in and out of distribution: means and standard deviations over networks and scans."""
    rows = []
    for distribution in _DISTRIBUTIONS:
        for arm, step in itertools.product(ARMS, ("", *STEPS)):
            group = of_arm(results, arm, step, distribution)
            if not group:
                continue
            row = {"arm": arm, "step": step, "distribution": distribution, "tests": len(group)}
            row["scans"] = float(np.mean([one["training_scans"] for one in group]))
            row["planes"] = float(np.mean([one["painted_planes"] for one in group]))
            for name in MEASURES:
                row[name], row[f"{name}_sd"] = _mean_and_deviation(one[name] for one in group)
            rows.append(row)
    return rows


def of_arm(results: Sequence[dict[str, Any]], arm: str, step: str, distribution: str) -> list[dict[str, Any]]:
    """The results of one kind of network."""
    wanted = (arm, step, distribution)
    return [one for one in results if (one["arm"], one.get("step", ""), one["distribution"]) == wanted]


def in_pairs(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[tuple[dict, dict]]:
    """Results of the same fold, seed and scan."""
    by_place = {(one["fold"], one["seed"], one["case"]): one for one in second}
    places = [(one["fold"], one["seed"], one["case"]) for one in first]
    return [(one, by_place[place]) for one, place in zip(first, places, strict=True) if place in by_place]


def differences(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Partial minus full annotation of the same fold, seed and scan: mean, deviation, how often partial is better."""
    rows = []
    for distribution, step in itertools.product(_DISTRIBUTIONS, ("", *STEPS)):
        pairs = in_pairs(*(of_arm(results, arm, step, distribution) for arm in ("partial", "full")))
        if not pairs:
            continue
        row = {"distribution": distribution, "step": step, "tests": len(pairs)}
        for name in MEASURES:
            known = [a[name] - b[name] for a, b in pairs if a[name] is not None and b[name] is not None]
            row[name], row[f"{name}_sd"] = _mean_and_deviation(known)
            row[f"{name}_better"] = sum(change > 0 if name == "dice" else change < 0 for change in known)
        rows.append(row)
    return rows


def _mean_and_deviation(values: Iterable[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    if not known:
        return float("nan"), float("nan")
    return float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else 0.0


def as_markdown(results: Sequence[dict[str, Any]]) -> str:
    """Two tables: each arm, and partial against full annotation, test by test."""
    names = list(MEASURES)
    lines = [_row(["painted", "distribution", "scans", "planes", "tests", *MEASURES.values()])]
    lines.append(_row(["---"] * 2 + ["---:"] * (3 + len(names))))
    for row in summary(results):
        cells = [
            _with_step(row["arm"], row["step"]),
            _DISTRIBUTIONS[row["distribution"]],
            f"{row['scans']:.3g}",
            f"{row['planes']:.0f}",
        ]
        shown = [_with_deviation(row, name) for name in names]
        lines.append(_row([*cells, row["tests"], *shown]))
    changes = differences(results)
    if changes:
        lines += ["", _row(["partial minus full", "tests", *MEASURES.values()])]
        lines.append(_row(["---"] + ["---:"] * (1 + len(names))))
    for row in changes:
        shown = [f"{_with_deviation(row, name, '+')}, better in {row[f'{name}_better']}" for name in names]
        where = _where(row["distribution"])
        lines.append(_row([_with_step(where, row["step"]), row["tests"], *shown]))
    return "\n".join(lines) + "\n"


def _with_step(text: str, step: str) -> str:
    return f"{text}, step {step}" if step else text


def _where(distribution: str) -> str:
    return _DISTRIBUTIONS[distribution] + ("" if distribution == "scanner" else " distribution")


def _with_deviation(row: dict, name: str, sign: str = "") -> str:
    digits = 3 if name == "dice" else 2
    return f"{row[name]:{sign}.{digits}f} ± {row[f'{name}_sd']:.{digits}f}"


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def as_csv(results: Sequence[dict[str, Any]]) -> str:
    """The first table, every number of it."""
    text = io.StringIO()
    names = [*_COLUMNS, *(part for name in MEASURES for part in (name, f"{name}_sd"))]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(summary(results))
    return text.getvalue()
