"""Step 8: trees and pool multiplied."""

from __future__ import annotations

import numpy as np

# Neither may veto: this is added to both.
FLOOR = np.float32(0.02)

# How far the trees are believed: their exponent, by the number of painted planes (at most). Inside, few planes teach
# little; beyond the ends, two left-out ends teach nothing. Fitted on the human-labelled cases, see docs/guided.md.
INSIDE_EXPONENTS = ((3, 0.5), (np.inf, 0.75))
BEYOND_ENDS_EXPONENTS = ((6, 0.0), (np.inf, 0.75))


def belief_in_trees(painted_planes: int, at_end: bool) -> float:
    """The exponent of the trees' probabilities."""
    table = BEYOND_ENDS_EXPONENTS if at_end else INSIDE_EXPONENTS
    return next(exponent for most, exponent in table if painted_planes <= most)


def fused(trees: np.ndarray, pool: np.ndarray, belief: float, allowed: np.ndarray) -> np.ndarray:
    """Class probabilities (classes + 1, pixels): the trees to the power of `belief` times the pool.

    `allowed` (classes + 1) tells which classes can occur on the plane.
    """
    product = (trees + FLOOR) ** np.float32(belief) * (pool.astype(np.float32) + FLOOR)
    product[~allowed] = 0
    return product / product.sum(axis=0)
