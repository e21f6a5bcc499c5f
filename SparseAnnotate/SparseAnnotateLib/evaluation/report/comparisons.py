"""Paired tests between methods over the cases, corrected for their number."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .results import Method, Results

# With 5 cases not even five wins of five give p < 0.05 (two-sided 2/32 = 0.0625).
FEWEST_CASES = 6
SIGNIFICANT = 0.05
_EXACT_UP_TO = 25


@dataclass(frozen=True)
class Comparison:
    """Two methods on the cases that both were run on.

    Attributes
    ----------
    fixed : what both share: a predictor, or a selector
    difference : mean over cases of first minus second
    wins, losses : cases in which the first is better, or worse
    p : of Wilcoxon's signed rank test, two-sided; `p_corrected` by Holm over all tests with the same `fixed`
    """

    fixed: str
    first: Method
    second: Method
    fraction: float
    cases: int
    difference: float
    wins: int
    losses: int
    p: float
    p_corrected: float = float("nan")


def compare_selectors(results: Results, measure: str = "dice_all") -> list[Comparison]:
    """All pairs of selectors with the same predictor."""
    found: list[Comparison] = []
    for predictor in results.predictors:
        methods = [method for method in results.methods if method.predictor == predictor]
        found += _family(results, predictor, methods, measure)
    return found


def compare_predictors(results: Results, measure: str = "dice_all") -> list[Comparison]:
    """All pairs of predictors on the planes of the same selector."""
    found: list[Comparison] = []
    for selector in results.selectors:
        methods = [method for method in results.methods if method.selector == selector]
        found += _family(results, selector, methods, measure)
    return found


def _family(results: Results, fixed: str, methods: Sequence[Method], measure: str) -> list[Comparison]:
    tests = list(_tests(results, fixed, methods, measure))
    corrected = holm([test.p for test in tests])
    return [replace(test, p_corrected=p) for test, p in zip(tests, corrected, strict=True)]


def _tests(results: Results, fixed: str, methods: Sequence[Method], measure: str) -> Iterator[Comparison]:
    for fraction in results.fractions:
        values = {method: results.per_case(method, fraction, measure) for method in methods}
        for first, second in itertools.combinations(methods, 2):
            both = sorted(values[first].keys() & values[second].keys())
            if len(both) < FEWEST_CASES:
                continue
            differences = [values[first][case] - values[second][case] for case in both]
            yield Comparison(
                fixed,
                first,
                second,
                fraction,
                len(both),
                statistics.fmean(differences),
                sum(one > 0 for one in differences),
                sum(one < 0 for one in differences),
                signed_rank_p(differences),
            )


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed rank test (1945), zeros by Pratt's rule (1959); 1 where nothing differs.

    Exact for up to 25 cases without zeros, by the normal approximation beyond, as his tables end there.
    """
    from scipy.stats import wilcoxon

    differences = np.asarray(differences)
    if not differences.any():
        return 1.0
    exact = len(differences) <= _EXACT_UP_TO and differences.all()
    return float(wilcoxon(differences, zero_method="pratt", method="exact" if exact else "approx").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): the chance of even one false positive among all stays below the level."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values, kind="stable")
    steps = (len(p_values) - np.arange(len(p_values))) * p_values[order]
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected.tolist()
