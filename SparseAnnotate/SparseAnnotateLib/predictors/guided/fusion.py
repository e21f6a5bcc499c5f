"""Step 8: trees and pool multiplied."""

from __future__ import annotations

import numpy as np

# Neither may veto: this is added to both, and what it makes of two zeros is taken away again. (Left there, a thousandth
# a pixel added up: small structures among the many contested pixels of large ones were promised .75 instead of .92.)
FLOOR = np.float32(0.02)

# What a pixel gives to each class before it is normalised, should trees and pool see none of those allowed there.
_LEAST = np.float32(1e-7)

# Exponents of the trees and the pool. With so few painted planes the trees have learnt little, and two left-out ends
# teach nothing about what lies beyond them. Fitted on the human-labelled cases, see docs/measurements/guided.md.
FEW_PLANES = 3
EXPONENTS = (0.75, 0.75)
EXPONENTS_WITH_FEW_PLANES = (0.5, 1.0)
EXPONENTS_BEYOND_ENDS_WITH_FEW_PLANES = (0.0, 1.0)

# With the network among the priors the trees are heard there too: with three planes +.0016 in the mean of 16
# structures, the lowest -.006 instead of -.020. With two they are not: 76 structures are alike in the mean.
FEWEST_PLANES_WITH_NETWORK = 3


def exponents(painted_planes: int, at_end: bool, network: bool = False) -> tuple[float, float]:
    """How far the trees and the pool are believed; `network` where that is among the priors."""
    if painted_planes > FEW_PLANES:
        return EXPONENTS
    if at_end and not (network and painted_planes >= FEWEST_PLANES_WITH_NETWORK):
        return EXPONENTS_BEYOND_ENDS_WITH_FEW_PLANES
    return EXPONENTS_WITH_FEW_PLANES


def fused(trees: np.ndarray, pool: np.ndarray, believed: tuple[float, float], allowed: np.ndarray) -> np.ndarray:
    """Class probabilities (classes + 1, pixels): trees times pool, each to its power in `believed`.

    `allowed` (classes + 1) tells which classes can occur on the plane.
    """
    of_trees, of_pool = (np.float32(exponent) for exponent in believed)
    product = (trees + FLOOR) ** of_trees * (pool + FLOOR) ** of_pool - FLOOR ** (of_trees + of_pool)
    product = np.maximum(product, _LEAST)
    product[~allowed] = 0
    return product / product.sum(axis=0)
