"""The pictures of Zhang 2019: Dice against how much is painted (figure 5), order of planes against order (figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....io.writing import written_aside
from .measures import rank_correlation
from .plan import ATTENTION, COMPARABLE, PAINTED, STRATEGIES, UNPAINTED, ActivePlan
from .report import line_to_reach
from .results import by_seed, of_round

_MARKS = dict(zip(STRATEGIES, ("o-", "s--", "^:", "d-."), strict=True))
_PARTS = {PAINTED: "scans that are painted", UNPAINTED: "scans never painted"}


def draw_dice(results: Sequence[dict[str, Any]], plan: ActivePlan, path: Path) -> None:
    """Mean Dice of parts A and B against the painted share, and what counts as full annotation."""
    figure = _figure(9, 4)
    percent = [100 * share for share in plan.shares]
    for axes, part in zip(figure.subplots(1, 2, sharey=True), (PAINTED, UNPAINTED), strict=True):
        goal = line_to_reach(results, part)
        axes.axhline(goal, color="black", linewidth=1, label=f"full annotation ({goal:.3f})")
        axes.axhspan(goal - COMPARABLE, goal, color="black", alpha=0.1, linewidth=0, label=f"up to {COMPARABLE} below")
        for strategy in plan.strategies:
            means = np.array([by_seed(results, plan, strategy, number, part) for number in range(len(plan.shares))])
            axes.plot(percent, means.mean(axis=1), _MARKS[strategy], label=strategy)
        axes.set(title=f"Part {part}, {_PARTS[part]}", xlabel="painted planes (%)")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("Dice")
    for axes in figure.axes:
        axes.legend(fontsize="small")
    _save(figure, path)


def draw_orders(results: Sequence[dict[str, Any]], plan: ActivePlan, path: Path) -> None:
    """Of the middle one of the scans B: the planes' order by the true measure and by what the network says."""
    strategy = ATTENTION if ATTENTION in plan.strategies else plan.strategies[0]
    rows = of_round(results, strategy, len(plan.shares) - 1, UNPAINTED)
    ranked = sorted(rows, key=lambda one: np.nan_to_num(rank_correlation(one, "pseudo"), nan=-1))
    row = ranked[len(ranked) // 2]
    figure = _figure(9, 4.2)
    values, *orders = figure.subplots(1, 3)
    there = [plane for plane, true in enumerate(row["true"]) if true is not None]
    for name, label, style in (
        ("true", "true", "k-"),
        ("pseudo", "two outputs", "C0--"),
        ("expected", "expected", "C1:"),
    ):
        values.plot(there, [row[name][plane] for plane in there], style, label=label)
    values.set(xlabel="plane", title=row["case"])
    values.legend(fontsize="small")
    for axes, name, label in zip(orders, ("pseudo", "expected"), ("two outputs", "expected Dice"), strict=True):
        order = [_order([row[one][plane] for plane in there]) for one in ("true", name)]
        axes.plot(*order, "o", markersize=3)
        axes.set_title(f"{label}: correlation {rank_correlation(row, name):.2f}", fontsize="medium")
        axes.set_xlabel("order by the true measure")
    orders[0].set_ylabel("order by what the network says")
    _save(figure, path)


def _order(values: Sequence[float]) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(values)


def _figure(width: float, height: float):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure, path: Path) -> None:
    with written_aside(path) as folder:
        figure.savefig(folder / path.name, dpi=100)
