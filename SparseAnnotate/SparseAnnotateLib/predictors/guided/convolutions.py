"""The network that has seen many volumes, run by NumPy: 340,000 weights need no other library."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)

WEIGHTS = Path(__file__).with_name("prior_network.npz")

# Below each level, half of the rows and columns; the first one sees blocks of 2 x 2 pixels.
STEP_PIXELS = 8

_LEAK = np.float32(0.1)

# Convolutions as they are stored, and after the last one the weights of its 2 x 2 pixels.
_NAMES = ("fine", "middle", "coarse", "coarser", "middle_again", "fine_again", "pixels")


class Network:
    """A U-Net of three levels on blocks of 2 x 2 pixels; batch normalisation is part of its convolutions' weights.

    Parameters
    ----------
    arrays : name + "_weight" (out, in, 3, 3) and name + "_bias" (out,), for each of the convolutions
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        self._weights = {name: arrays[f"{name}_weight"].astype(np.float32) for name in _NAMES}
        self._biases = {name: arrays[f"{name}_bias"].astype(np.float32) for name in _NAMES}

    def __call__(self, maps: np.ndarray) -> np.ndarray:
        """Logits (rows, columns) of maps (channels, rows, columns), rows and columns being multiples of STEP_PIXELS."""
        channels, rows, columns = maps.shape
        blocks = maps.reshape(channels, rows // 2, 2, columns // 2, 2).transpose(0, 2, 4, 1, 3)
        fine = self._convolved("fine", blocks.reshape(4 * channels, rows // 2, columns // 2))
        middle = self._convolved("middle", _halved(fine))
        coarse = self._convolved("coarser", self._convolved("coarse", _halved(middle)))
        middle = self._convolved("middle_again", np.concatenate([_doubled(coarse), middle]))
        fine = self._convolved("fine_again", np.concatenate([_doubled(middle), fine]))
        pixels = self._weights["pixels"] @ fine.reshape(len(fine), -1) + self._biases["pixels"][:, None]
        return pixels.reshape(2, 2, rows // 2, columns // 2).transpose(2, 0, 3, 1).reshape(rows, columns)

    def _convolved(self, name: str, maps: np.ndarray) -> np.ndarray:
        """3 x 3, zeros around it, as one product of matrices; leaky rectified."""
        channels, rows, columns = maps.shape
        padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
        shifted = np.empty((channels, 3, 3, rows, columns), np.float32)
        for down, right in np.ndindex(3, 3):
            shifted[:, down, right] = padded[:, down : down + rows, right : right + columns]
        weights = self._weights[name]
        out = weights.reshape(len(weights), -1) @ shifted.reshape(9 * channels, -1)
        out += self._biases[name][:, None]
        return np.maximum(out, _LEAK * out, out=out).reshape(-1, rows, columns)


def _halved(maps: np.ndarray) -> np.ndarray:
    """Means of 2 x 2."""
    return (maps[:, ::2, ::2] + maps[:, 1::2, ::2] + maps[:, ::2, 1::2] + maps[:, 1::2, 1::2]) * np.float32(0.25)


def _doubled(maps: np.ndarray) -> np.ndarray:
    return maps.repeat(2, axis=1).repeat(2, axis=2)


@functools.cache
def shipped_network() -> Network | None:
    """The one of this package; None, said once, where its weights were not installed."""
    if not WEIGHTS.exists():
        logger.warning("guided works without its network: %s was not installed with the package", WEIGHTS.name)
        return None
    with np.load(WEIGHTS) as stored:
        return Network(dict(stored))
