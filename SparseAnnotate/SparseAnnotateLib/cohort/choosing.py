"""Which planes of which scans an expert is asked for next: those with the lowest score, kept apart within a scan.

Zhang 2019 asks for the planes on which a network's two outputs agree least, and argues for a distance: neighbouring
planes are alike, so that the second of two tells little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class ScoredScan:
    """The planes of one scan.

    Attributes
    ----------
    scores : float (planes,), the lowest are asked for first
    painted : bool (planes,), not asked for again
    candidates : bool (planes,), False beyond the ends of the structures, where all is known
    """

    scores: np.ndarray
    painted: np.ndarray
    candidates: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """Bool (planes,): what may be asked for."""
        return self.candidates & ~self.painted


@dataclass(frozen=True)
class Choice:
    """What is asked for.

    Attributes
    ----------
    planes : (scan, plane), in the order of their scores, but where `distance` had to become smaller
    distance : the planes of a scan that were asked for, or are painted, lie at least so many apart
    wanted : the distance that was meant; larger where too few planes lay so far apart
    """

    planes: tuple[tuple[str, int], ...]
    distance: int
    wanted: int


def natural_distance(scans: Mapping[str, ScoredScan], count: int) -> int:
    """Half the distance that all painted planes and `count` more would have if they were evenly spaced, at least 1."""
    planes = sum(int(scan.candidates.sum()) for scan in scans.values())
    painted = sum(int((scan.painted & scan.candidates).sum()) for scan in scans.values())
    return max(1, round(planes / max(1, painted + count) / 2))


def check_asked(count: int, per_scan: int | None, distance: int | None) -> None:
    """Refuse numbers below 1.

    Raises
    ------
    InputError
        With the first of them.
    """
    for name, value in (("count", count), ("per scan", per_scan), ("distance", distance)):
        if value is not None and value < 1:
            raise InputError(f"{name}: {value} is asked for: ask for at least 1")


def choose(
    scans: Mapping[str, ScoredScan], count: int, *, per_scan: int | None = None, distance: int | None = None
) -> Choice:
    """The planes with the lowest scores over all scans.

    Parameters
    ----------
    count : how many; fewer where no more are free
    per_scan : at most so many of one scan
    distance : of a plane to the painted and the chosen ones of its scan, at least; made smaller, step by step, where
        too few planes lie so far apart. `natural_distance` by default

    Raises
    ------
    InputError
        For numbers below 1, or where no plane is free.
    """
    check_asked(count, per_scan, distance)
    if not any(scan.free.any() for scan in scans.values()):
        raise InputError("every plane of every scan is painted: there is nothing left to ask for")
    wanted = apart = natural_distance(scans, count) if distance is None else distance
    taken = {name: np.flatnonzero(scan.painted).tolist() for name, scan in scans.items()}
    left = dict.fromkeys(scans, count if per_scan is None else per_scan)
    free = ((name, int(plane)) for name, scan in scans.items() for plane in np.flatnonzero(scan.free))
    waiting = sorted((float(scans[name].scores[plane]), name, plane) for name, plane in free)
    chosen: list[tuple[str, int]] = []
    while True:
        waiting = _taken_apart(waiting, apart, count, taken, left, chosen)
        if len(chosen) == count or apart == 1 or not waiting:
            return Choice(tuple(chosen), apart, wanted)
        apart -= 1


def _taken_apart(waiting, apart: int, count: int, taken, left, chosen) -> list[tuple[float, str, int]]:
    """Move what lies far enough from all that is taken to `chosen`; returns what does not."""
    passed_over = []
    for score, name, plane in waiting:
        if len(chosen) == count:
            break
        if not left[name]:
            continue
        if any(abs(plane - other) < apart for other in taken[name]):
            passed_over.append((score, name, plane))
            continue
        chosen.append((name, plane))
        taken[name].append(plane)
        left[name] -= 1
    return passed_over
