"""Changes with their 95 % interval over randomisations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def half_width(by_run: Sequence[float]) -> float:
    """Half the width of the 95 % interval of the mean (Student's t); NaN of fewer than two."""
    from scipy.stats import t

    if len(by_run) < 2:
        return float("nan")
    return float(t.ppf(0.975, len(by_run) - 1) * np.std(by_run, ddof=1) / np.sqrt(len(by_run)))


def told_change(change: float, by_run: Sequence[float], digits: int = 3) -> tuple[str, str]:
    """A change with its interval, and whether it is seen that it is above zero: yes, no or unclear.

    What the interval leaves open is unclear, as is all of one randomisation.
    """
    if len(by_run) < 2:
        return f"{change:+.{digits}f}, one randomisation", "unclear"
    half = half_width(by_run)
    seen = "unclear" if abs(change) < half else "yes" if change >= 0 else "no"
    return f"{change:+.{digits}f} ± {half:.{digits}f} ({sum(one > 0 for one in by_run)} of {len(by_run)} above 0)", seen
