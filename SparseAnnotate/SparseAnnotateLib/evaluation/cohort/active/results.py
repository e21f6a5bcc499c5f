"""Which of a study's results are those of a round, a part or a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .plan import FULL, ActivePlan


def of_round(results: Sequence[dict[str, Any]], strategy: str, number: int, part: str) -> list[dict[str, Any]]:
    """The results of one round of a strategy on one part of the scans."""
    return [one for one in results if (one["strategy"], one["number"], one["part"]) == (strategy, number, part)]


def by_seed(results, plan: ActivePlan, strategy: str, number: int, part: str) -> np.ndarray:
    """The mean Dice of a round for each seed, as each seed has its own scans; of full annotation always the last."""
    rows = of_round(results, strategy, len(plan.shares) - 1 if strategy == FULL else number, part)
    return np.array([np.mean([one["dice"] for one in rows if one["seed"] == seed]) for seed in plan.seeds])


def gain_by_seed(results, plan: ActivePlan, first: tuple[str, int], second: tuple[str, int], part: str) -> np.ndarray:
    """For each seed the Dice of a strategy's round minus that of another one."""
    return np.subtract(*(by_seed(results, plan, *one, part) for one in (first, second)))


def several_structures(results: Sequence[dict[str, Any]]) -> bool:
    """Whether scans have several structures, as tissues do: their agreement is P-accuracy, not P-DSC."""
    return any(one["structures"] > 1 for one in results)
