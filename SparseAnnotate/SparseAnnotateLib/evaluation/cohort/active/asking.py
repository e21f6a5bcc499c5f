"""Which planes of the scans of part A are painted next, by each strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ....cohort.applying.looking import Look
from ....cohort.choosing import ScoredScan, choose
from .plan import ATTENTION, EQUAL, RANDOM

Painted = dict[str, list[int]]


def first_planes(strategy: str, ranges: Mapping[str, range], share: float, seed: int) -> Painted:
    """What is painted at first: equal intervals, as in Zhang 2019, but by the strategy that draws at random."""
    if strategy == RANDOM:
        return drawn(ranges, share, seed)
    return {name: at_intervals(planes, share, share) for name, planes in ranges.items()}


def at_intervals(planes: range, share: float, first_share: float) -> list[int]:
    """Planes at an equal distance; where the distance is halved those of before are among them."""
    interval = 1 / share
    offset = (1 / first_share / 2) % interval
    steps = np.unique(np.floor(np.arange(offset, len(planes), interval) + 1e-9).astype(int))
    return [planes[int(step)] for step in steps]


def drawn(ranges: Mapping[str, range], share: float, seed: int) -> Painted:
    """Planes drawn from those of all scans; a larger share holds a smaller one."""
    every = [(name, plane) for name, planes in ranges.items() for plane in planes]
    order = np.random.default_rng([seed, 3]).permutation(len(every))[: round(share * len(every))]
    painted: Painted = {}
    for name, plane in (every[n] for n in sorted(order)):
        painted.setdefault(name, []).append(plane)
    return painted


def next_planes(
    strategy: str,
    painted: Painted,
    ranges: Mapping[str, range],
    shares: tuple[float, float],
    seed: int,
    look: Callable[[str], Look],
) -> Painted:
    """What is painted in a later round.

    Parameters
    ----------
    painted : before, by scan
    ranges : of each scan, the planes that may be asked for
    shares : the first of the study, and that of this round
    look : what the last round's network says of a scan
    """
    first, share = shares
    if strategy == RANDOM:
        return drawn(ranges, share, seed)
    if strategy == EQUAL:
        return {name: at_intervals(planes, share, first) for name, planes in ranges.items()}
    scans = {name: _scored(look(name), strategy, painted.get(name, []), planes) for name, planes in ranges.items()}
    count = round(share * sum(map(len, ranges.values()))) - sum(map(len, painted.values()))
    result = {name: list(planes) for name, planes in painted.items()}
    # The first round's intervals do not always divide the planes evenly.
    for name, plane in choose(scans, count).planes if count > 0 else ():
        result.setdefault(name, []).append(plane)
    return {name: sorted(planes) for name, planes in sorted(result.items())}


def _scored(look: Look, strategy: str, painted: list[int], planes: range) -> ScoredScan:
    scores = look.agreement if strategy == ATTENTION else -look.uncertainty
    done, there = np.zeros((2, len(scores)), bool)
    done[painted], there[planes.start : planes.stop] = True, True
    return ScoredScan(scores, done, there)
