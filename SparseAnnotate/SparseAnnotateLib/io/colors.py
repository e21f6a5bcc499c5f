"""DICOM's colours: CIELab under D50, scaled to 16 bits (PS3.3 C.10.7.1.1), from and to sRGB."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Linear sRGB to XYZ, adapted to D50 as ICC profiles do (Bradford), and D50's white: http://www.brucelindbloom.com
_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
_WHITE = _TO_XYZ.sum(axis=1)
_EDGE = 6 / 29


def lab_of(rgb: Sequence[float]) -> list[int]:
    """The three scaled numbers of red, green and blue in 0..1."""
    rgb = np.clip(np.array(rgb, float), 0, 1)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = _TO_XYZ @ linear / _WHITE
    x, y, z = np.where(ratio > _EDGE**3, np.cbrt(ratio), ratio / (3 * _EDGE**2) + 4 / 29)
    lab = np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
    scaled = (lab + np.array([0, 128, 128])) / [100, 255, 255]
    return np.rint(np.clip(scaled, 0, 1) * 65535).astype(int).tolist()


def rgb_of(lab: Sequence[int]) -> tuple[float, float, float]:
    """Red, green and blue in 0..1, rounded to three digits, of the three scaled numbers."""
    lightness, a, b = np.array([float(value) for value in lab]) / 65535 * [100, 255, 255] - [0, 128, 128]
    y = (lightness + 16) / 116
    root = np.array([y + a / 500, y, y - b / 200])
    ratio = np.where(root > _EDGE, root**3, 3 * _EDGE**2 * (root - 4 / 29))
    linear = np.clip(np.linalg.solve(_TO_XYZ, ratio * _WHITE), 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(round(float(part), 3) for part in rgb)
