"""What a set of painted planes leaves unsaid of each structure, and the planes that leave least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Fitted to what `shape` loses on the 42 volumes of shared/data: see `Testing/benchmarks/cover_loss.py`.
POWER = 1.8
SCALE = 0.533
TAPER = 0.15
MISSED = 1.0
CUT_END = 2.0
# Of what `guided` loses in 137 structures of several, an end costs 1.25 to 1.28 times as much as a gap. With several
# structures this changed nothing for the better; with one, 9 volumes of 5 data sets gain .006 at 5 % painted.
LONE_END = 1.25
# 13 structures of 6 data sets were on none of the first planes painted. They fill .50 to 1.0 (mean .83) of the gap that
# hides them, so what can hide in a gap grows with a high power of its width.
HIDDEN = 5.0
_PARTS = 2.0**30

# Of planes that serve no structure those are taken that are evenly spaced.
_EVENLY = 1e-4


@dataclass(frozen=True)
class Extent:
    """Where a structure lies, and what is painted of it.

    Attributes
    ----------
    number : of the class (1, 2, ...); 0 for those that no painted plane shows, where nothing else is known of them
    first, last : its planes, as clicked or estimated
    cut : whether the scan ends before the structure does, at its first and at its last plane
    painted : the planes from first to last on which it was painted completely, ascending
    harder : for each gap between those planes, both ends included, how many times as much is lost there as usually
    unseen : classes for which number 0 stands
    ends : how many times as much as a gap between two planes an end loses where it tapers
    """

    number: int
    first: int
    last: int
    cut: tuple[bool, bool] = (False, False)
    painted: tuple[int, ...] = ()
    harder: tuple[float, ...] = ()
    unseen: tuple[int, ...] = ()
    ends: float = 1.0

    @property
    def structures(self) -> int:
        """How many structures it stands for."""
        return max(1, len(self.unseen))

    @property
    def length(self) -> int:
        """Number of its planes."""
        return self.last - self.first + 1

    def fences(self) -> np.ndarray:
        """The planes between which it is not known: the painted ones, and the first one without it at both ends."""
        return np.array([self.first - 1, *self.painted, self.last + 1])


def gap_losses(length: int, cut: tuple[bool, bool] = (False, False), ends: float = 1.0) -> np.ndarray:
    """The Dice that a structure loses in each gap between two planes on which it is known.

    Two planes at the distance g lose about 0.53 g^1.8 of a structure of length 1: what is interpolated errs the more
    the farther both are, on a share g of its planes, which counts a little less near the ends. The plane beyond an end,
    which is known to show nothing, is as good as one that shows it, unless the scan ends there: then the structure is
    cut off, nobody knows how it goes on, and twice as much is lost.

    Parameters
    ----------
    length : planes of the structure
    cut, ends : see `Extent`

    Returns
    -------
    float (length + 2, length + 2): from plane a to plane b > a, counted from the plane before its first one; else 0
    """
    place = np.arange(length + 2)
    steps = np.maximum(place[None, :] - place[:, None], 0)
    share = np.maximum(place[1:-1] - 0.5, 0) / length
    weight = np.where(cut[0], 1.0, share) * np.where(cut[1], 1.0, 1 - share)
    weight = weight**TAPER
    weight /= weight.mean()
    reached = np.concatenate([[0], np.cumsum(weight) - weight / 2, [length]]) / length
    losses = SCALE * np.maximum(reached[None, :] - reached[:, None], 0) * (steps / (length + 1)) ** (POWER - 1)
    losses[0] = SCALE * (steps[0] / (length + 1)) ** POWER * (CUT_END if cut[0] else ends)
    losses[:, -1] = SCALE * (steps[:, -1] / (length + 1)) ** POWER * (CUT_END if cut[1] else ends)
    losses[0, -1] = MISSED
    return losses


def hidden_losses(extent: Extent) -> np.ndarray:
    """The Dice that a structure loses in each gap while no painted plane shows it, although planes were painted.

    It lies between two of them, so all of it is lost until a plane hits it: as much in each gap as it is likely to be
    there.

    Returns
    -------
    float (length + 2, length + 2), as `gap_losses`; the gaps between the painted planes together lose 1
    """
    place = np.arange(extent.length + 2)
    hidden = np.maximum(place[None, :] - place[:, None] - 1, 0) ** HIDDEN
    fences = extent.fences() - extent.first + 1
    share = hidden / max(hidden[fences[:-1], fences[1:]].sum(), 1)
    # In parts that add up exactly: of equally good planes the first is taken.
    return MISSED * np.round(share * _PARTS) / _PARTS


class Losses:
    """The Dice that one structure loses between two planes to be painted, with what is painted between them.

    Where it stands for several, it is what they lose together.
    """

    def __init__(self, extent: Extent):
        self.extent = extent
        hidden = extent.number == 0 and extent.painted
        self._of_gap = hidden_losses(extent) if hidden else gap_losses(extent.length, extent.cut, extent.ends)
        self._of_gap = extent.structures * self._of_gap
        self._fences = extent.fences()
        self._harder = np.array(extent.harder or np.ones(len(self._fences) - 1))
        ends = self._fences - extent.first + 1
        self._gaps = self._of_gap[ends[:-1], ends[1:]] * self._harder
        # What is lost before each fence.
        self._before = np.concatenate([[0], np.cumsum(self._gaps)])

    def between(self, planes: np.ndarray) -> np.ndarray:
        """What is lost from each of `planes` (ascending) to each later one, if none between them gets painted.

        Returns
        -------
        float (planes, planes); what stands on and below the diagonal means nothing
        """
        first, last = self.extent.first, self.extent.last
        planes = np.clip(planes, first - 1, last + 1)
        place = planes - first + 1
        whole = self._of_gap.take(place, axis=0).take(place, axis=1)
        fences = self._fences - first + 1
        # The gap in which each plane begins one, and the gap in which it ends one.
        begins = np.minimum(np.searchsorted(self._fences, planes, side="right") - 1, len(self._gaps) - 1)
        ends = np.maximum(np.searchsorted(self._fences, planes, side="left") - 1, 0)
        if len(self._gaps) == 1:
            return whole * self._harder[0]
        after = self._of_gap[place, fences[begins + 1]] * self._harder[begins] - self._before[begins + 1]
        before = self._of_gap[fences[ends], place] * self._harder[ends] + self._before[ends]
        one_gap = begins[:, None] >= ends[None, :]
        return np.where(one_gap, whole * self._harder[begins][:, None], after[:, None] + before[None, :])

    def gain(self, plane: int, before: int, after: int) -> float:
        """What painting a plane saves, its neighbours among the planes to be painted being these."""
        lost = self.between(np.array([before, plane, after]))
        return float(lost[0, 2] - lost[0, 1] - lost[1, 2])

    def is_open_on(self, plane: int) -> bool:
        """Whether the structure can be on a plane on which it is not painted yet."""
        return self.extent.first <= plane <= self.extent.last and plane not in self.extent.painted

    def reach(self, plane: int, before: int, after: int) -> int:
        """Planes of the structure in a row that stay open without `plane`, its neighbours being these."""
        low = max(before, int(self._fences[self._fences < plane].max(initial=self.extent.first - 1)))
        high = min(after, int(self._fences[self._fences > plane].min(initial=self.extent.last + 1)))
        return high - low - 1


def best_planes(losses: Sequence[Losses], candidates: np.ndarray, count: int) -> list[int]:
    """The planes with which the structures together lose least; exact.

    Each loss belongs to two planes that follow each other, so the best sets of n planes that end with a given plane
    follow from those of n - 1 planes (dynamic programming).

    Parameters
    ----------
    losses : of each structure, all of which count alike
    candidates : planes that can be painted, ascending
    count : how many, at most as many as there are
    """
    nodes = np.array([candidates[0] - 2 - len(candidates), *candidates, candidates[-1] + 2 + len(candidates)])
    cost = _pair_costs(losses, nodes, candidates, count)
    size = len(nodes)
    cost[np.tril_indices(size)] = np.inf
    best, previous = cost[0].copy(), []
    for _ in range(count - 1):
        through = best[:, None] + cost
        through[0] = np.inf
        chosen = through.argmin(axis=0)
        previous.append(chosen)
        best = through[chosen, np.arange(size)]
    place = int((best[1:-1] + cost[1:-1, -1]).argmin()) + 1
    path = [place]
    for chosen in reversed(previous):
        path.append(int(chosen[path[-1]]))
    return nodes[path[::-1]].tolist()


def _pair_costs(losses: Sequence[Losses], nodes: np.ndarray, candidates: np.ndarray, count: int) -> np.ndarray:
    """What is lost between each two planes, and a little for uneven spacing."""
    place = np.clip(nodes, candidates[0] - 0.5, candidates[-1] + 0.5)
    apart = np.maximum(place[None, :] - place[:, None], 0) * (count / (place[-1] - place[0]))
    apart[0] *= 2
    apart[:, -1] *= 2
    structures = sum(one.extent.structures for one in losses)
    cost = _EVENLY * structures * apart**2
    for one in losses:
        cost += one.between(nodes)
    return cost / structures
