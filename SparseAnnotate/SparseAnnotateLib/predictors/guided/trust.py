"""Step 3: which of the two sides explains a plane better, pixel by pixel."""

from __future__ import annotations

import numpy as np

RESIDUAL_SCALE = 0.3
WINDOW_PIXELS = 9
RESIDUAL_SIGMA = 1


def trust_below(share: float, residual_below: np.ndarray, residual_above: np.ndarray) -> np.ndarray:
    """Weight of the painted plane below, shape (rows, columns): (1-t) exp(-r_a / 0.3) against t exp(-r_b / 0.3).

    Parameters
    ----------
    share : t, 0 at the plane below and 1 at the plane above
    residual_below, residual_above : image minus the warped image of that side
    """
    import cv2

    below, above = (cv2.blur(r * r, (WINDOW_PIXELS, WINDOW_PIXELS)) for r in (residual_below, residual_above))
    least = np.minimum(below, above)
    weight_below = np.float32(1 - share) * np.exp((least - below) / np.float32(RESIDUAL_SCALE))
    weight_above = np.float32(share) * np.exp((least - above) / np.float32(RESIDUAL_SCALE))
    return weight_below / (weight_below + weight_above)
