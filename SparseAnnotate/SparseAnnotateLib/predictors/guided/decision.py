"""Step 10: planes joined, and which class a contested pixel gets, so that the Dice to be expected is largest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Structures go on from plane to plane: a neighbour's probabilities, along the flow, count this much where the image
# there is the same, and less by exp(-d^2 / scale) where it differs by d (normalised, slightly smoothed): Dice +.0015.
NEIGHBOUR_WEIGHT = np.float32(0.8)
LIKENESS_SCALE = np.float32(0.2)

# Of a structure less than this is never expected here: it would be labelled where nearly nothing speaks for it.
_LEAST_DICE = 0.2


def class_weights(expected_dice: np.ndarray) -> np.ndarray:
    """Factors (classes + 1,) on class probabilities, for the Dice to expect of each structure (classes,).

    NaN stands for a structure to be left as it is.

    The expected Dice D of a structure grows by every pixel that belongs to it with a probability above D / 2, half the
    best attainable value (Lipton et al., ECML PKDD 2014); that is where (2 - D) / D times its probability exceeds the
    background's. Deciding at 1 / 2 loses, of a structure that the priors place only roughly, all but its core.
    """
    dice = np.clip(np.nan_to_num(expected_dice, nan=1.0), _LEAST_DICE, 1)
    return np.append(1.0, (2 - dice) / dice).astype(np.float32)


def weighted(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probabilities (classes + 1, pixels) times the classes' weights, normalised again."""
    product = probabilities.astype(np.float32) * weights[:, None]
    return product / product.sum(axis=0)


def joined(probabilities: np.ndarray, seen: Sequence[tuple[np.ndarray, np.ndarray]], allowed: np.ndarray) -> np.ndarray:
    """Mean of a plane's probabilities (classes + 1, pixels) and those of its neighbours, over the `allowed` classes.

    Parameters
    ----------
    seen : for each neighbour its probabilities there, and by how much the image differs (pixels,)
    """
    total = probabilities.astype(np.float32)
    for neighbour, difference in seen:
        total = total + NEIGHBOUR_WEIGHT * np.exp(-difference * difference / LIKENESS_SCALE) * neighbour
    total[~allowed] = 0
    return total / total.sum(axis=0)
