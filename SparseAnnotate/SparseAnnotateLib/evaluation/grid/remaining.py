"""How long the rest will take, judged by what is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .planner import Task


class RemainingTime:
    """A task takes what its predictor takes on average, times how much slower than on average its case is.

    Parameters
    ----------
    known : predictor, digest of the case, and seconds of earlier results
    """

    def __init__(self, known: Iterable[tuple[str, str, float]] = ()):
        self._seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
        for predictor, case_hash, seconds in known:
            self.note(predictor, case_hash, seconds)

    def note(self, predictor: str, case_hash: str, seconds: float) -> None:
        """A task took so long."""
        entry = self._seconds[predictor][case_hash]
        entry[0] += seconds
        entry[1] += 1

    def seconds_for(self, tasks: Iterable[Task], workers: int) -> float | None:
        """For all these tasks by so many workers; None as long as nothing is known.

        A predictor of which nothing is known yet counts as the slowest one that is: better a pleasant surprise.
        """
        means = {predictor: _mean(cases.values()) for predictor, cases in self._seconds.items()}
        if not means:
            return None
        slowness = self._slowness(means)
        slowest = max(means.values())
        total = sum(means.get(task.predictor.label, slowest) * slowness.get(task.case_hash, 1.0) for task in tasks)
        return total / max(1, workers)

    def _slowness(self, means: dict[str, float]) -> dict[str, float]:
        ratios: dict[str, list[float]] = defaultdict(list)
        for predictor, cases in self._seconds.items():
            for case_hash, entry in cases.items():
                if means[predictor] > 0:
                    ratios[case_hash].append(_mean([entry]) / means[predictor])
        return {case_hash: sum(values) / len(values) for case_hash, values in ratios.items()}


def _mean(entries: Iterable[list[float]]) -> float:
    sums = [sum(column) for column in zip(*entries, strict=True)]
    return sums[0] / sums[1] if sums[1] else 0.0


def spoken(seconds: float | None) -> str:
    """Rounded as people say it: "40 s", "12 min", "3 h 20 min"."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
