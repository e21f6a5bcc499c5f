"""The study of Zhang 2019: ways of choosing planes, how much is painted, and the scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....errors import InputError
from ..plan import refuse_twice

ATTENTION, UNCERTAINTY, RANDOM, EQUAL, FULL = "attention", "uncertainty", "random", "equal-interval", "full"

# Ways to choose planes; the line to reach is a network that learnt from everything.
STRATEGIES = (ATTENTION, UNCERTAINTY, RANDOM, EQUAL)

# Those that ask a network.
ASKING = (ATTENTION, UNCERTAINTY)

# Scans A are painted, scans B are never seen in training.
PAINTED, UNPAINTED = "A", "B"

# "Comparable with full annotation": no further below it than what the paper takes for no change any more.
COMPARABLE = 0.005


@dataclass(frozen=True, kw_only=True)
class ActivePlan:
    """What is compared.

    Attributes
    ----------
    strategies : of `STRATEGIES`
    shares : of all planes of the scans of part A, ascending; painted and learnt from one after the other, each network
        going on from the weights of the last one. The paper adds 5 % at a time: all that is added was chosen by one
        network, so that large steps serve `attention` and `uncertainty` badly
    unpainted_scans : of part B; None: a third of all
    seeds : each deals out anew, and trains anew
    """

    strategies: tuple[str, ...] = STRATEGIES
    shares: tuple[float, ...] = tuple(0.0625 * n for n in range(1, 9))
    unpainted_scans: int | None = None
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self):
        unknown = [one for one in self.strategies if one not in STRATEGIES]
        if unknown or not self.strategies:
            raise InputError(f"there is no strategy {' '.join(unknown)!r}: choose among {', '.join(STRATEGIES)}")
        ascending = list(self.shares) == sorted(set(self.shares))
        if not self.shares or not ascending or not 0 < self.shares[0] <= self.shares[-1] < 1:
            raise InputError("shares: give ascending ones between 0 and 1, such as 0.0625 0.125 0.25 0.5")
        refuse_twice(strategies=self.strategies, seeds=self.seeds)

    def parts(self, names: Sequence[str], seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The scans of part A and of part B.

        Raises
        ------
        InputError
            Where there are too few.
        """
        count = len(names) // 3 if self.unpainted_scans is None else self.unpainted_scans
        if not 1 <= count < len(names):
            raise InputError(f"{count} of {len(names)} scans are never painted: leave at least one for each part")
        order = np.random.default_rng([seed, 0]).permutation(len(names))
        return tuple(names[n] for n in sorted(order[count:])), tuple(names[n] for n in sorted(order[:count]))


@dataclass(frozen=True)
class Round:
    """One network of a study: the strategy's `number`-th, from 0."""

    strategy: str
    number: int
    seed: int

    def name_with(self, plan: ActivePlan) -> str:
        """Short, for logs."""
        share = 1.0 if self.strategy == FULL else plan.shares[self.number]
        return f"{self.strategy} {share:.4g} seed {self.seed}"


def rounds(plan: ActivePlan) -> list[Round]:
    """Every network, those of a strategy one after the other; those of full annotation are trained as long as they."""
    return [
        Round(strategy, number, seed)
        for seed in plan.seeds
        for strategy in (*plan.strategies, FULL)
        for number in range(len(plan.shares))
    ]
