"""Fits what `told.py` collected: the two judges of expected Dice, and intervals; judged on kinds that were left out.

A group is a data set, or a kind of made-up volumes. Each group counts as much as any other, and is judged by numbers
that were fitted without it. Strange kinds are never fitted on.
"""

from __future__ import annotations

import numpy as np
from SparseAnnotateLib.quality.agreed import JUDGES, OUTLINE_JUDGES, Judges, log_odds, tells
from SparseAnnotateLib.quality.goes_on import WEIGHTS, Weights
from SparseAnnotateLib.quality.model import (
    DOUBTFUL_END,
    FEW_PLANES,
    GUIDED_INTERVALS,
    INTERPOLATED,
    NEAREST,
    REACH,
)

LOW, TOO_MUCH = 0.85, 0.1
# Of volumes that were not fitted on 80 of 100 lie between, if so many of those that were lie beyond each end.
BEYOND = 0.07
# Of those that nobody can know there are few kinds.
BEYOND_DOUBTFUL = 0.03
_RIDGE = 0.002
# Log-odds by which less may be expected of those that are fitted.
_HARDLY = 0.05


class Table:
    """What was collected: attributes of volumes in arrays (volumes,), of structures in arrays (structures,)."""

    def __init__(self, rows: list[dict]):
        rows = [row for row in rows if row["whole"] is not None and np.isfinite(row["true_whole"])]
        self.rows = rows
        self.group, self.source, self.planes, self.whole, self.true = (
            np.array([row[name] for row in rows]) for name in ("group", "source", "planes", "whole", "true_whole")
        )
        self.warned = np.array([row["warnings"] > 0 for row in rows])
        self.fitted_on = self.source != "strange"
        pairs = [(n, c) for n, row in enumerate(rows) for c in range(len(row["true"]))]
        names = ("told", "least", "most", "agreed", "contrast", "exposed", "true", "back", "doubts")
        values = np.array(
            [[np.nan if rows[n][name][c] is None else rows[n][name][c] for name in names] for n, c in pairs], float
        )
        there = np.isfinite(values[:, [0, 6]]).all(axis=1)
        self.volume = np.array([n for n, _ in pairs])[there]
        values = values[there].T
        self.said, self.least, self.most, self.agreed, self.contrast, exposed, self.true_each = values[:7]
        self.back, doubts = values[7:]
        self.tells = tells(self.contrast, exposed, log_odds(1 - self.least) - log_odds(1 - self.most))
        doubted, count = (np.bincount(self.volume, one, minlength=len(rows)) for one in (doubts, np.ones(len(doubts))))
        few = self.planes <= FEW_PLANES
        # As the library takes intervals: of few planes, of more, of what nobody can know with few, and with more.
        self.interval = np.where(few, 0, 1) + 2 * (doubted > 0.5 * count)

    def told(self, each: np.ndarray) -> np.ndarray:
        """The volumes' Dice, if the structures' is `each`: their mean changes as much."""
        said, now = (np.bincount(self.volume, one, minlength=len(self.rows)) for one in (self.said, each))
        return self.whole * now / np.maximum(said, 1e-9)

    def shifts(self, judges: Judges) -> np.ndarray:
        return judges.shifts(self.said, self.agreed, self.tells)


def fitted_judges(table: Table, without: str = "", outlines: bool = False) -> Judges:
    """Weighted least squares of the log-odds of what was lost, all groups alike, on those of which more is expected.

    Of outlines only the image is asked: what was said has a weight of about 0 there.
    """
    # Parts in a row were made up for what nobody can know.
    weight = _weights(table, without, table.source[table.volume] != "repeated")
    given = table.said, table.agreed, table.tells
    # What is added is linear in the three numbers: with one of them each, less that with none.
    none = Judges(0, 0, 0).weighed(*given)
    features = np.stack([Judges(*one).weighed(*given) - none for one in np.eye(3)], axis=1)
    wanted = log_odds(1 - table.true_each) - log_odds(1 - table.said) - none
    features[:, 1] *= not outlines
    judges = _least_squares(features, wanted, weight)
    return _least_squares(features, wanted, weight * (judges.weighed(*given) <= _HARDLY))


def _weights(table: Table, without: str, use: np.ndarray) -> np.ndarray:
    """Of structures, so that all groups count alike; 0 where `use` is not, or in the group that is left out."""
    group = table.group[table.volume]
    use = use & table.fitted_on[table.volume] & (group != without)
    weight = np.zeros(len(group))
    for one in np.unique(group[use]):
        weight[use & (group == one)] = 1 / (use & (group == one)).sum()
    return weight


def fitted_weights(table: Table, judges: Judges, without: str = "") -> Weights:
    """The same of whether structures go on where they may, on what the judges make of them."""
    weight = _weights(table, without, np.isfinite(table.back))
    told, least, most = each(table, judges)
    given = told, least, most, table.back, table.contrast
    features = np.stack([Weights(*one).shifts(*given) for one in np.eye(2)], axis=1)
    wanted = np.nan_to_num(log_odds(1 - table.true_each) - log_odds(1 - told))
    weighted = features * weight[:, None]
    return Weights(*np.linalg.solve(weighted.T @ features + _RIDGE * weight.sum() * np.eye(2), weighted.T @ wanted))


def each(table: Table, judges: Judges) -> list[np.ndarray]:
    """What is told of each structure, and if all of what may go on does, or nothing, by the two judges."""
    shifts = table.shifts(judges)
    return [with_odds(one, shifts) for one in (table.said, table.least, table.most)]


def _least_squares(features: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> Judges:
    weighted = features * weight[:, None]
    ridge = _RIDGE * weight.sum() * np.diag([0, 1, 1]) + 1e-9 * np.eye(3)
    return Judges(*np.linalg.solve(weighted.T @ features + ridge, weighted.T @ wanted))


def with_odds(dice: np.ndarray, shift) -> np.ndarray:
    return 1 - 1 / (1 + np.exp(-(log_odds(1 - dice) + shift)))


def ends(table: Table, judges: Judges, weights: Weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is told of each volume, and if `REACH` of what may go on does, or does not: log-odds of what is lost."""
    told, least, most = each(table, judges)
    told = with_odds(told, weights.shifts(told, least, most, table.back, table.contrast))
    told, least, most = (log_odds(1 - table.told(one)) for one in (told, least, most))
    return told, told + REACH * np.maximum(least - told, 0), told - REACH * np.maximum(told - most, 0)


def fitted_interval(
    table: Table, judges: Judges, weights: Weights, use: np.ndarray, beyond: float
) -> tuple[float, float]:
    """Log-odds of the interval's ends (of what is lost: smaller, larger) for some volumes.

    All groups count alike. Scans and made-up volumes are asked apart, and the wider end is taken.
    """
    _, low, high = ends(table, judges, weights)
    true = log_odds(1 - table.true)
    smaller, larger = 0.0, 0.0
    for source in (("scan",), ("made up", "repeated")):
        of = use & np.isin(table.source, source)
        weight = np.array([1 / np.count_nonzero(of & (table.group == one)) for one in table.group[of]])
        if of.any():
            smaller = max(smaller, _quantile((high - true)[of], weight, 1 - beyond))
            larger = max(larger, _quantile((true - low)[of], weight, 1 - beyond))
    return -smaller, larger


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(np.searchsorted(reached, share), len(values) - 1)])


def shipped_for(predictor: str) -> tuple[Judges, Weights, tuple[tuple[float, float], ...]]:
    """Judges, weights and intervals (of few planes, of more, of what nobody can know with either) of the library."""
    if predictor == "guided":
        usual, judges, weights = GUIDED_INTERVALS, JUDGES, WEIGHTS
    else:
        model = NEAREST if predictor == "nearest" else INTERPOLATED
        usual, judges, weights = (model.volume_interval,) * 2, OUTLINE_JUDGES, Weights(0, 0)
    return judges, weights, (*usual, *((smaller, max(larger, DOUBTFUL_END)) for smaller, larger in usual))


def fitted(table: Table, predictor: str, without: str = "") -> tuple[Judges, Weights, list[tuple[float, float]]]:
    """The same, fitted."""
    outlines = predictor != "guided"
    judges = fitted_judges(table, without, outlines)
    weights = Weights(0, 0) if outlines else fitted_weights(table, judges, without)
    use = table.fitted_on & (table.group != without)
    # Parts in a row were made up to be unknown: they count among those only.
    usual = use & (table.source != "repeated")
    # Of more planes few are unknown, too few to leave them out.
    given = (usual & (table.interval == 0), BEYOND), (usual & (table.interval % 2 == 1), BEYOND)
    given += ((use & (table.interval == 2), BEYOND_DOUBTFUL),)
    few, more, doubtful = (fitted_interval(table, judges, weights, *one) for one in given)
    return judges, weights, [few, more, (few[0], doubtful[1]), (more[0], max(more[1], doubtful[1]))]


def judged(table: Table, left_out: bool, predictor: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected Dice of each volume and its interval's ends, by what was fitted without its group, or as shipped."""
    expected, low, high = np.zeros((3, len(table.rows)))
    for group in np.unique(table.group):
        here = table.group == group
        judges, weights, intervals = fitted(table, predictor, group) if left_out else shipped_for(predictor)
        told, lowest, highest = (one[here] for one in ends(table, judges, weights))
        smaller, larger = np.array(intervals)[table.interval[here]].T
        expected[here], low[here], high[here] = told, lowest + larger, highest + smaller
    return tuple(1 - 1 / (1 + np.exp(-one)) for one in (expected, low, high))


def report(rows: list[dict], predictor: str) -> None:
    """Print the constants for the library, and how good they are."""
    table = Table(rows)
    judges, weights, intervals = fitted(table, predictor)
    print(f"agreed.JUDGES = {_rounded(judges)}")
    print(f"goes_on.WEIGHTS = {_rounded(weights)}")
    few, more, doubtful, _ = (tuple(round(end, 2) for end in one) for one in intervals)
    print(f"model.GUIDED_INTERVALS = {few, more}\nmodel.DOUBTFUL_END = {doubtful[1]}\n")
    before = table.told(table.said)
    for left_out in (True, False):
        print("fitted without the group that is judged:" if left_out else "\nas shipped:")
        print(
            "| kind | number | error before | error | bias | too much by .1 | in the interval | width | "
            f"warned of Dice below {LOW} | of others |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        found = judged(table, left_out, predictor)
        for name, chosen in parts(table):
            _line(name, chosen, table, before, *found)


def _rounded(fitted):
    return type(fitted)(*(round(float(one), 2) for one in vars(fitted).values()))


def parts(table: Table):
    """Name and volumes (bool) of each line."""
    painting = np.array([row["painting"] for row in table.rows])
    name = np.array([row["name"] for row in table.rows])
    chosen = np.char.startswith(painting, "pair") | np.char.startswith(painting, "triple")
    chosen &= table.source == "scan"
    vertebrae, along = np.char.startswith(name, "vertebrae") & ~chosen, np.char.find(name, " along ") > 0
    scan, few = (table.source == "scan") & ~vertebrae & ~chosen, table.planes <= FEW_PLANES
    for kind, part in (("scans along k", scan & ~along), ("scans along i and j", scan & along)):
        yield f"{kind}, at most {FEW_PLANES} planes", part & few
        yield f"{kind}, more planes", part & ~few
    yield "vertebrae along each axis", vertebrae
    yield "vertebrae, two or three planes wherever they lie", chosen
    for source in ("made up", "strange", "repeated"):
        of = table.source == source
        for kind in dict.fromkeys(table.group[of]):
            yield kind.replace("_", " "), of & (table.group == kind)
        yield f"{source}, at most {FEW_PLANES} planes", of & few
        yield f"{source}, more planes", of & ~few


def _line(name, chosen, table: Table, before, expected, low, high) -> None:
    if chosen.any():
        of = [one[chosen] for one in (table.true, before, expected, low, high)]
        true, before, expected, low, high = of
        inside = (low <= true) & (true <= high)
        warned, few = table.warned[chosen], true < LOW
        print(
            f"| {name} | {len(true)} | {np.abs(before - true).mean():.3f} | {np.abs(expected - true).mean():.3f} | "
            f"{(expected - true).mean():+.3f} | {(expected - true > TOO_MUCH).sum()} | {100 * inside.mean():.0f} % | "
            f"{(high - low).mean():.3f} | {warned[few].sum()} of {few.sum()} | {warned[~few].sum()} of {(~few).sum()} |"
        )
