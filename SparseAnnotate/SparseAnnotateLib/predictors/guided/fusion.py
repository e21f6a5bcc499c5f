"""Step 8: trees and pool multiplied."""

from __future__ import annotations

import numpy as np

# Neither may veto: this is added to both.
FLOOR = np.float32(0.02)

# With so few painted planes the trees have seen too little to be believed fully.
FEW_PLANES = 3


def fused(trees: np.ndarray, pool: np.ndarray, painted_planes: int, allowed: np.ndarray) -> np.ndarray:
    """Class probabilities (classes + 1, pixels): trees times pool; the root of the trees with few painted planes.

    `allowed` (classes + 1) tells which classes can occur on the plane.
    """
    believed = trees + FLOOR
    if painted_planes <= FEW_PLANES:
        believed = np.sqrt(believed)
    product = believed * (pool.astype(np.float32) + FLOOR)
    product[~allowed] = 0
    return product / product.sum(axis=0)
