"""The network that has seen many volumes, run by NumPy: 390,000 weights need no other library."""

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

_CONVOLUTIONS = "fine", "middle", "coarse", "coarser", "middle_again", "fine_again"
_ONE_BY_ONE = "to_middle", "to_fine", "pixels"


class Network:
    """A U-Net of three levels on blocks of 2 x 2 pixels; batch normalisation is part of its convolutions' weights.

    Parameters
    ----------
    arrays : name + "_weight" (out, in, 3, 3) or (out, in), and name + "_bias" (out,), for each of its layers;
        "place_weight" (out, 4), for what a plane's place adds to the first of them
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        self._place = arrays["place_weight"]
        self._biases = {name: arrays[f"{name}_bias"][:, None] for name in (*_CONVOLUTIONS, *_ONE_BY_ONE)}
        self._weights = {name: arrays[f"{name}_weight"] for name in _ONE_BY_ONE}
        for name in _CONVOLUTIONS:
            out, inward = arrays[f"{name}_weight"].shape[:2]
            by_row = arrays[f"{name}_weight"].transpose(2, 0, 3, 1)
            self._weights[name] = np.ascontiguousarray(by_row.reshape(3, out, 3 * inward))

    def __call__(self, maps: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Logits (rows, columns) of maps (13, rows, columns), rows and columns being multiples of STEP_PIXELS.

        Parameters
        ----------
        place : of the plane among painted ones, (4,)
        """
        channels, rows, columns = maps.shape
        blocks = maps.reshape(channels, rows // 2, 2, columns // 2, 2).transpose(0, 2, 4, 1, 3)
        blocks = blocks.reshape(4 * channels, rows // 2, columns // 2)
        fine = self._convolved("fine", blocks, (self._place @ place)[:, None])
        middle = self._convolved("middle", halved(fine))
        coarse = self._convolved("coarser", self._convolved("coarse", halved(middle)))
        middle = self._convolved("middle_again", middle + _doubled(self._mixed("to_middle", coarse)))
        fine = self._convolved("fine_again", fine + _doubled(self._mixed("to_fine", middle)))
        pixels = self._mixed("pixels", fine).reshape(2, 2, rows // 2, columns // 2)
        return pixels.transpose(2, 0, 3, 1).reshape(rows, columns)

    def _mixed(self, name: str, maps: np.ndarray) -> np.ndarray:
        """1 x 1."""
        mixed = self._weights[name] @ maps.reshape(len(maps), -1) + self._biases[name]
        return mixed.reshape(-1, *maps.shape[1:])

    def _convolved(self, name: str, maps: np.ndarray, shift: np.ndarray | float = 0) -> np.ndarray:
        """3 x 3, zeros around it, as products of matrices, one for each row of it; leaky rectified."""
        channels, rows, columns = maps.shape
        wide = columns + 2
        # Shifted by a column each; each row ends with two columns that are not looked at.
        shifted = np.zeros((3, channels, rows + 2, wide), np.float32)
        shifted[0, :, 1:-1, 1:-1] = maps
        shifted[1, :, 1:-1, :-2] = maps
        shifted[2, :, 1:-1, :-3] = maps[:, :, 1:]
        shifted = shifted.reshape(3 * channels, -1)
        pixels = rows * wide
        below, own, above = self._weights[name]
        out = below @ shifted[:, :pixels]
        out += own @ shifted[:, wide : wide + pixels]
        out += above @ shifted[:, 2 * wide :]
        out += self._biases[name] + shift
        np.maximum(out, _LEAK * out, out=out)
        return out.reshape(-1, rows, wide)[:, :, :columns]


def halved(maps: np.ndarray) -> np.ndarray:
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
