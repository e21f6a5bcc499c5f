"""Step 9: probabilities smoothed within their plane, but not across the edges of the image."""

from __future__ import annotations

import numpy as np

# Windows of 3 x 3 pixels. With 5 x 5 structures a few pixels wide lost up to .6, with 9 x 9 most lost something.
RADIUS_PIXELS = 1

# Variance of the normalised image, within a window, from which on it counts as an edge: .003 to .1 differed by .001.
EDGE_VARIANCE = np.float32(0.01)

# How much of a structure is smoothed: all from an inscribed radius of 2.5 pixels on, half below 1.5. Structures one
# pixel wide lost up to .09 (smoothed in full), and gained .002 in the mean (half).
_WHOLLY_FROM_PIXELS, _HALF_BELOW_PIXELS = 2.5, 1.5

_LEAST_PROBABILITY = 0.005


def strengths(radius_pixels: np.ndarray) -> np.ndarray:
    """Share of the smoothed probabilities for structures as thick as this; NaN (never painted) gives 0."""
    share = (radius_pixels - _HALF_BELOW_PIXELS) / (_WHOLLY_FROM_PIXELS - _HALF_BELOW_PIXELS)
    return np.nan_to_num(0.5 + 0.5 * np.clip(share, 0, 1)).astype(np.float32)


def smoothed_along_edges(probabilities: np.ndarray, image: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Class probabilities (classes + 1, rows, columns) of a plane, smoothed by the guided filter.

    Parameters
    ----------
    image : float32 (rows, columns), normalised
    shares : for each structure how much of it is smoothed; the background takes what they leave
    """
    guide = Guide(image)
    smooth = probabilities.copy()
    for own, share in zip(smooth[1:], shares, strict=True):
        if share and own.max(initial=0) > _LEAST_PROBABILITY:
            own += share * (guide.filtered(own) - own)
    smooth[0] = np.maximum(0, 1 - smooth[1:].sum(axis=0))
    return smooth / np.maximum(smooth.sum(axis=0), np.float32(1e-6))


class Guide:
    """The guided filter (He, Sun and Tang, TPAMI 2013): in each window the output is a linear function of the image."""

    def __init__(self, image: np.ndarray):
        self._image = image
        self._mean = _mean(image)
        self._variance = _mean(image * image) - self._mean * self._mean + EDGE_VARIANCE

    def filtered(self, values: np.ndarray) -> np.ndarray:
        """`values` (rows, columns) smoothed where the image is smooth."""
        mean = _mean(values)
        slope = (_mean(self._image * values) - self._mean * mean) / self._variance
        return np.clip(_mean(slope) * self._image + _mean(mean - slope * self._mean), 0, 1)


def _mean(values: np.ndarray) -> np.ndarray:
    import cv2

    size = 2 * RADIUS_PIXELS + 1
    return cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT)
