"""How good a network is on a scan, and whether what it says of its planes goes with how good it is there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import metrics
from ....cohort.applying.looking import Look
from ....cohort.model import CohortConfiguration
from ....quality.agreement import agreement_per_plane
from ...simulation.loading import LoadedCase


def measured(look: Look, configuration: CohortConfiguration, case: LoadedCase) -> dict[str, Any]:
    """The Dice (mean of the structures), and of each plane the true measure, the pseudo one, and our expected Dice.

    True and pseudo are the DSC for one structure, the accuracy for several (Zhang 2019, eq. 1 to 4), both of the first
    head. Planes on which neither that head nor the reference holds anything are None: there is nothing to find.
    """
    numbers = {one.value: number for number, one in enumerate(case.expert.classes, 1)}
    table = np.array([0, *(numbers.get(value, 0) for value in configuration.class_values)], np.uint8)
    reference, first = case.expert.reference, table[look.first]
    dice = metrics.mean_of(metrics.dice_per_class(table[look.labels], reference, len(numbers)))
    true = agreement_per_plane(first, reference, len(numbers))
    something = first.any(axis=(1, 2)) | reference.any(axis=(1, 2))
    return {
        "dice": float(dice),
        "true": [round(float(value), 4) if there else None for value, there in zip(true, something, strict=True)],
        "pseudo": [round(float(value), 4) for value in look.agreement],
        "expected": [round(float(value), 4) for value in look.expected_dice],
    }


def rank_correlation(row: dict[str, Any], name: str, *, without: list[int] | None = None) -> float:
    """Spearman's, of the planes' true measure with another one; NaN where fewer than 3 planes have one.

    The paper's regression coefficient of one order on the other is the same number.

    Parameters
    ----------
    row : what `measured` found
    name : ``pseudo`` or ``expected``
    without : planes that do not count, such as painted ones
    """
    from scipy.stats import spearmanr

    left_out = set(without or [])
    pairs = [
        (true, said)
        for plane, (true, said) in enumerate(zip(row["true"], row[name], strict=True))
        if true is not None and plane not in left_out
    ]
    if len(pairs) < 3 or any(len(set(values)) < 2 for values in zip(*pairs, strict=True)):
        return float("nan")
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)
