"""The tables of a study of Zhang 2019, as Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..intervals import told_change
from . import claims
from .measures import rank_correlation
from .plan import COMPARABLE, EQUAL, FULL, PAINTED, RANDOM, STRATEGIES, UNPAINTED, ActivePlan
from .results import gain_by_seed, of_round, several_structures

_NAMES = {EQUAL: "equal intervals", FULL: "full annotation"}


def line_to_reach(results: Sequence[dict[str, Any]], part: str) -> float:
    """The mean Dice of full annotation."""
    return _mean([one["dice"] for one in results if one["strategy"] == FULL and one["part"] == part])


def as_markdown(results: Sequence[dict[str, Any]], plan: ActivePlan) -> str:
    """Dice of both parts by strategy and share (figure 5, table 2), what reaches full annotation, claims, figure 4."""
    parts = [_dice_table(results, plan), _compared(results, plan), _reached(results, plan)]
    parts += [claims.as_markdown(results, plan), _correlations(results, plan)]
    return "\n".join(part for part in parts if part)


def _dice_table(results, plan: ActivePlan) -> str:
    lines = ["| planes chosen by | painted | empty ones | Dice, part A | Dice, part B |", "| --- |" + " ---: |" * 4]
    for strategy in [one for one in STRATEGIES if one in plan.strategies]:
        for number, share in enumerate(plan.shares):
            cells = [_spread(of_round(results, strategy, number, part)) for part in (PAINTED, UNPAINTED)]
            empty = _empty_share(of_round(results, strategy, number, PAINTED))
            lines.append(f"| {strategy} | {share:.4g} | {empty:.0%} | {' | '.join(cells)} |")
    last = len(plan.shares) - 1
    cells = [_spread(of_round(results, FULL, last, part)) for part in (PAINTED, UNPAINTED)]
    empty = _empty_share(of_round(results, FULL, last, PAINTED))
    lines.append(f"| full annotation | 1 | {empty:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _empty_share(rows: Sequence[dict[str, Any]]) -> float:
    """Of the painted planes, those on which there was nothing to paint."""
    return sum(one["painted_empty"] for one in rows) / max(1, sum(len(one["painted"]) for one in rows))


def _compared(results, plan: ActivePlan) -> str:
    """Each strategy minus equal intervals and minus full annotation, with the 95 % interval over seeds.

    The first planes of all strategies but `random` are the same, so that their difference says nothing.
    """
    if len(plan.seeds) < 2:
        return ""
    against = [one for one in (EQUAL, FULL) if one == FULL or one in plan.strategies]
    columns = [f"minus {_NAMES.get(one, one)}, {part}" for one in against for part in (PAINTED, UNPAINTED)]
    lines = [
        f"| {len(plan.seeds)} seeds | painted | {' | '.join(columns)} |",
        "| --- |" + " ---: |" * (1 + len(columns)),
    ]
    for strategy in [one for one in STRATEGIES if one in plan.strategies]:
        for number, share in enumerate(plan.shares):
            cells = [
                _gain(results, plan, strategy, other, number, part)
                for other in against
                for part in (PAINTED, UNPAINTED)
            ]
            lines.append(f"| {strategy} | {share:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _gain(results, plan: ActivePlan, strategy: str, other: str, number: int, part: str) -> str:
    if other == EQUAL and (strategy == EQUAL or (number == 0 and strategy != RANDOM)):
        return ""
    gains = gain_by_seed(results, plan, (strategy, number), (other, number), part)
    return told_change(float(gains.mean()), gains)[0]


def _spread(rows: Sequence[dict[str, Any]]) -> str:
    values = [one["dice"] for one in rows]
    return f"{_mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f} ({len(values)})"


def _reached(results, plan: ActivePlan) -> str:
    lines = []
    for part in (PAINTED, UNPAINTED):
        goal = line_to_reach(results, part)
        told = []
        for strategy in [one for one in STRATEGIES if one in plan.strategies]:
            means = [
                _mean([one["dice"] for one in of_round(results, strategy, n, part)]) for n in range(len(plan.shares))
            ]
            there = [f"{s:.4g}" for s, mean in zip(plan.shares, means, strict=True) if mean >= goal - COMPARABLE]
            told.append(f"{strategy} {'from ' + there[0] if there else 'never'}")
        lines.append(f"Part {part}, within {COMPARABLE} of full annotation ({goal:.3f}): {', '.join(told)}.")
    return "\n".join(lines) + "\n"


def _correlations(results, plan: ActivePlan) -> str:
    """Rank correlation with the true measure over planes, scan by scan; painted planes are left out."""
    agreement = "P-accuracy" if several_structures(results) else "P-DSC"
    columns = [f"{name}, part {part}" for part in (PAINTED, UNPAINTED) for name in (agreement, "expected Dice")]
    lines = [
        "Rank correlation with the true measure over the planes that are not painted, mean and standard deviation over "
        "scans:",
        "",
        f"| planes chosen by | painted | {' | '.join(columns)} |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for strategy in [*(one for one in STRATEGIES if one in plan.strategies), FULL]:
        for number, share in enumerate(plan.shares):
            cells = []
            for part in (PAINTED, UNPAINTED):
                rows = of_round(results, strategy, number, part)
                cells += [_correlation(rows, name) for name in ("pseudo", "expected")]
            if any(cell != "-" for cell in cells):
                lines.append(f"| {strategy} | {1 if strategy == FULL else share:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _correlation(rows, name: str) -> str:
    known = [value for one in rows if not np.isnan(value := rank_correlation(one, name, without=one["painted"]))]
    return f"{np.mean(known):.2f} ± {np.std(known, ddof=1) if len(known) > 1 else 0:.2f}" if known else "-"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def as_csv(results: Sequence[dict[str, Any]], plan: ActivePlan) -> str:
    """A line for each network and scan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["strategy", "share", "seed", "part", "case", "painted_in_all", "painted_empty", "dice"]
    writer.writerow([*names, "rank_correlation_pseudo", "rank_correlation_expected"])
    for one in results:
        share = 1.0 if one["strategy"] == FULL else plan.shares[one["number"]]
        ranks = [rank_correlation(one, name, without=one["painted"]) for name in ("pseudo", "expected")]
        cells = [one["strategy"], share, *(one[name] for name in names[2:7]), f"{one['dice']:.4f}"]
        writer.writerow([*cells, *("" if np.isnan(rank) else f"{rank:.3f}" for rank in ranks)])
    return text.getvalue()
