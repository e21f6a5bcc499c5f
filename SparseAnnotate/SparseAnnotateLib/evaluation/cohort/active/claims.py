"""What Zhang 2019 found, sentence by sentence: seen in a study, or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..intervals import half_width, told_change
from .measures import rank_correlation
from .plan import ATTENTION, COMPARABLE, FULL, PAINTED, STRATEGIES, UNPAINTED, ActivePlan
from .results import gain_by_seed, several_structures

# The paper's shares that are as good as full annotation (abstract: 15 % to 20 %, 30 % to 35 %), its correlations
# (figure 4) and the shares of table 2; of one structure (brain extraction) and of several (tissues).
_ENOUGH, _CORRELATION = {False: 0.15, True: 0.30}, {False: "P-DSC: .93", True: "P-accuracy: .92"}
_FEW, _MANY = 0.30, 0.50


def as_markdown(results: Sequence[dict[str, Any]], plan: ActivePlan) -> str:
    """A table with a line for each claim: a difference with its 95 % interval over seeds, and whether it is seen."""
    if ATTENTION not in plan.strategies:
        return ""
    found = [*_better(results, plan), *_as_good_as_full(results, plan), *_few_as_good_as_many(results, plan)]
    found.append(_correlated(results, plan))
    lines = ["| claim of the paper | part A | seen | part B | seen |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {claim} | {' | '.join(cell for part in parts for cell in part)} |" for claim, parts in found]
    return "\n".join(lines) + "\n"


def _better(results, plan: ActivePlan):
    """Attention against each other strategy at the same share; the first planes were not asked for."""
    later = range(1, len(plan.shares))
    for other in _others(plan) if later else ():
        parts = []
        for part in (PAINTED, UNPAINTED):
            gains = [gain_by_seed(results, plan, (ATTENTION, number), (other, number), part) for number in later]
            by_run = np.mean(gains, axis=0)
            parts.append(told_change(float(by_run.mean()), by_run))
        shares = f"{plan.shares[1]:.4g} to {plan.shares[-1]:.4g}" if len(later) > 1 else f"{plan.shares[1]:.4g}"
        yield f"attention is better than {other} (mean of {shares})", parts


def _as_good_as_full(results, plan: ActivePlan):
    share = _ENOUGH[several_structures(results)]
    number = next((n for n, one in enumerate(plan.shares) if one >= share), None)
    if number is None:
        return
    parts = []
    for part in (PAINTED, UNPAINTED):
        by_run = gain_by_seed(results, plan, (ATTENTION, number), (FULL, number), part)
        change, half = float(by_run.mean()), half_width(by_run)
        sure = abs(change + COMPARABLE) > half
        seen = "unclear" if not sure else "yes" if change > -COMPARABLE else "no"
        parts.append((told_change(change, by_run)[0], seen))
    told = (
        f"attention at {plan.shares[number]:.4g} is within {COMPARABLE} of full annotation (the paper: at {share:.4g})"
    )
    yield told, parts


def _few_as_good_as_many(results, plan: ActivePlan):
    """Table 2: attention with fewer planes than the others at a half."""
    few = max((n for n, one in enumerate(plan.shares) if one <= _FEW), default=None)
    many = next((n for n, one in enumerate(plan.shares) if one >= _MANY), None)
    for other in _others(plan) if few is not None and many is not None else ():
        parts = []
        for part in (PAINTED, UNPAINTED):
            by_run = gain_by_seed(results, plan, (ATTENTION, few), (other, many), part)
            parts.append(told_change(float(by_run.mean()), by_run))
        shares = f"{plan.shares[few]:.4g} is better than {other} at {plan.shares[many]:.4g}"
        yield f"attention at {shares} (the paper: {_FEW:.4g} and {_MANY:.4g})", parts


def _correlated(results, plan: ActivePlan):
    """Figure 4: the planes' order by the agreement of the two outputs, and by the true measure."""
    parts = []
    for part in (PAINTED, UNPAINTED):
        rows = [one for one in results if (one["strategy"], one["part"]) == (ATTENTION, part)]
        ranks = [(one["seed"], rank_correlation(one, "pseudo", without=one["painted"])) for one in rows]
        known = [[rank for seed, rank in ranks if seed == wanted and not np.isnan(rank)] for wanted in plan.seeds]
        by_run = [float(np.mean(one)) for one in known if one]
        parts.append(told_change(float(np.mean(by_run)), by_run) if by_run else ("-", "unclear"))
    paper = _CORRELATION[several_structures(results)]
    return f"agreement goes with the true measure: rank correlation over planes above 0 (the paper, {paper})", parts


def _others(plan: ActivePlan) -> list[str]:
    return [one for one in STRATEGIES if one in plan.strategies and one != ATTENTION]
