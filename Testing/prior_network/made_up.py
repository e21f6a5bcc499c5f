"""Made-up volumes: regions of random shapes, blobs, tubes and shells; brightness, texture, blur and noise; a painter.

python Testing/prior_network/made_up.py PICTURE.png         eight, four of them harder, four planes each
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

THICKNESSES = (1, 1, 1, 1.5, 2, 3, 5, 8)


@dataclass(frozen=True)
class MadeUp:
    """An image float32 and labels uint8 (planes, rows, columns), and how thick planes are, in pixels."""

    image: np.ndarray
    labels: np.ndarray
    thickness: float


def made_up(rng: np.random.Generator, harder: bool = False) -> MadeUp:
    """One volume of 12 to 56 planes of 72 x 72 to 111 x 111 pixels, with up to three structures.

    Harder ones have borders that no edge of the image shows, more noise, and pixels twice as wide in two of five.
    """
    thickness = float(rng.choice(THICKNESSES))
    planes = int(np.clip(rng.uniform(50, 90) / thickness**0.8, 12, 56))
    side = int(rng.integers(72, 112))
    shape = planes, side, side
    regions = int(rng.integers(4, 11))
    parts = _partition(rng, shape, thickness, regions)
    objects = int(rng.integers(2, 7))
    for number in range(objects):
        parts[_object(rng, shape, thickness)] = regions + number
    image = _image(rng, parts, regions + objects, thickness)
    labels = _structures(rng, parts, regions, regions + objects, harder)
    return _coarser(rng, image, labels, thickness) if harder else MadeUp(image, labels, thickness)


def field(rng: np.random.Generator, shape: tuple[int, ...], sigma) -> np.ndarray:
    """A smooth random field of mean 0 and deviation 1: cubic splines on knots about `sigma` voxels apart."""
    sigmas = np.broadcast_to(sigma, (len(shape),))
    splines = [
        _splines(rng, size, max(0.6, 1.2 * s)) if s > 0.5 else None for size, s in zip(shape, sigmas, strict=True)
    ]
    sizes = [size if spline is None else spline.shape[1] for size, spline in zip(shape, splines, strict=True)]
    values = rng.standard_normal(sizes).astype(np.float32)
    for axis, spline in enumerate(splines):
        if spline is not None:
            values = np.moveaxis(np.tensordot(spline, values, (1, axis)), 0, axis)
    values -= values.mean()
    return values / (values.std() + 1e-9)


def _splines(rng: np.random.Generator, size: int, spacing: float) -> np.ndarray:
    """Cubic B-splines, shape (size, knots)."""
    places = np.arange(size) / spacing + rng.random()
    distance = np.abs(places[:, None] + 1 - np.arange(int(places[-1]) + 4))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, (2 - distance) ** 3 / 6
    return np.where(distance < 1, near, np.where(distance < 2, far, 0)).astype(np.float32)


def _sigmas(pixels: float, thickness: float) -> tuple[float, float, float]:
    return pixels / thickness, pixels, pixels


def _partition(rng, shape, thickness: float, regions: int) -> np.ndarray:
    """Where which of several random fields is highest."""
    scale = rng.uniform(5, 18)
    highest, parts = np.full(shape, -np.inf, np.float32), np.zeros(shape, np.uint8)
    for number in range(regions):
        values = field(rng, shape, _sigmas(scale * rng.uniform(0.6, 1.8), thickness)) + rng.uniform(-0.5, 0.5)
        higher = values > highest
        parts[higher], highest[higher] = number, values[higher]
    return parts


def _object(rng, shape, thickness: float) -> np.ndarray:
    """A blob, tube or shell that wobbles, and wanders from plane to plane."""
    z, y, x = (
        np.linspace(-1, 1, size, dtype=np.float32).reshape([-1 if axis == own else 1 for axis in range(3)])
        for own, size in enumerate(shape)
    )
    kind = rng.choice(["blob", "blob", "tube", "shell"])
    centre, radii = rng.uniform(-0.6, 0.6, 3), np.exp(rng.uniform(np.log(0.1), np.log(0.7), 3))
    if rng.random() < 0.4:
        radii[0] = rng.uniform(0.5, 1.3)
    if kind == "tube":
        radii = np.array([rng.uniform(0.4, 1.4), *np.exp(rng.uniform(np.log(0.05), np.log(0.2), 2))])
    wobble = field(rng, shape, _sigmas(rng.uniform(2.5, 12), thickness)) * rng.uniform(0.02, 0.3)
    step = rng.uniform(6, 25) / thickness
    down, right = (
        way - at - field(rng, shape[:1], step)[:, None, None] * rng.uniform(0, 0.2)
        for way, at in ((y, centre[1]), (x, centre[2]))
    )
    angle = rng.uniform(0, np.pi)
    across, along = np.cos(angle) * down + np.sin(angle) * right, np.cos(angle) * right - np.sin(angle) * down
    taper = rng.choice([2, 2, 3, 4])
    distance = np.abs((z - centre[0]) / radii[0]) ** taper + (across / radii[1]) ** 2 + (along / radii[2]) ** 2
    distance = np.sqrt(distance) + wobble
    inside = distance < 1
    return inside & (distance > rng.uniform(0.45, 0.8)) if kind == "shell" else inside


def _image(rng, parts: np.ndarray, count: int, thickness: float) -> np.ndarray:
    """What a scanner would see of the parts; some neighbours look alike."""
    brightness = rng.uniform(0, 1, count)
    for number in np.flatnonzero(rng.random(count) < 0.3):
        brightness[number] = brightness[rng.integers(count)] + rng.normal(0, 0.04)
    image = brightness[parts].astype(np.float32)
    amplitudes = (rng.uniform(0, 0.15, (count, 3)) * (rng.random((count, 3)) < 0.45)).astype(np.float32)
    for own, pixels in zip(amplitudes.T, (0.8, 2, 4), strict=True):
        image += own[parts] * field(rng, parts.shape, _sigmas(pixels, thickness))
    image *= 1 + rng.uniform(0, 0.25) * field(rng, parts.shape, _sigmas(35, thickness))
    if rng.random() < 0.3:
        image += rng.uniform(0, 0.05) * rng.standard_normal((len(parts), 1, 1))
    blur = rng.uniform(0.3, 1.3)
    image = np.stack([cv2.GaussianBlur(plane, (0, 0), blur) for plane in image.astype(np.float32)])
    if thickness < 2:
        image = ndimage.gaussian_filter1d(image, blur * rng.uniform(0.3, 0.8), axis=0)
    noise = rng.standard_normal(parts.shape).astype(np.float32)
    if rng.random() < 0.5:
        grain = rng.uniform(0.4, 1)
        noise = np.stack([cv2.GaussianBlur(plane, (0, 0), grain) for plane in noise])
    image += np.exp(rng.uniform(np.log(0.01), np.log(0.15))) * noise / noise.std()
    low, high = np.percentile(image[::2, ::2, ::2], [0.5, 99.5])
    return (np.clip((image - low) / (high - low), 0, 1) ** np.exp(rng.normal(0, 0.3))).astype(np.float32)


def _coarser(rng, image: np.ndarray, labels: np.ndarray, thickness: float) -> MadeUp:
    """More noise, and in two of five pixels twice as wide."""
    if rng.random() < 0.3:
        image = image + np.float32(np.exp(rng.uniform(np.log(0.03), np.log(0.3)))) * rng.standard_normal(
            image.shape, np.float32
        )
    if rng.random() < 0.6:
        return MadeUp(image, labels, thickness)
    planes, side = len(image), image.shape[1] // 2
    blocks = np.s_[:, : 2 * side, : 2 * side]
    image = image[blocks].reshape(planes, side, 2, side, 2).mean(axis=(2, 4))
    covered = np.stack(
        [
            (labels[blocks] == number).reshape(planes, side, 2, side, 2).sum(axis=(2, 4))
            for number in range(labels.max() + 1)
        ]
    )
    return MadeUp(image, covered.argmax(axis=0).astype(np.uint8), thickness / 2)


def _structures(rng, parts: np.ndarray, regions: int, count: int, harder: bool) -> np.ndarray:
    """Up to three of the parts, as they would be painted."""
    labels, wanted = np.zeros(parts.shape, np.uint8), int(rng.integers(1, 4))
    objects_first = [*(rng.permutation(count - regions) + regions), *rng.permutation(regions)]
    for number in rng.permutation(count) if rng.random() < 0.5 else objects_first:
        one = _structure(rng, parts, int(number), regions, count)
        planes = np.count_nonzero(one.any(axis=(1, 2)))
        if harder and rng.random() < 0.5 and planes:
            one = _beside_edges(rng, one)
        if planes >= max(6, len(parts) // 4) and 30 * planes < one.sum() < 0.35 * one.size:
            if rng.random() < 0.8:
                one = _painted_by_hand(rng, one, rng.uniform(0.1, 0.9))
            labels[one & (labels == 0)] = labels.max() + 1
        if labels.max() == wanted:
            break
    return labels


def _structure(rng, parts: np.ndarray, number: int, regions: int, count: int) -> np.ndarray:
    one = parts == number
    if rng.random() < 0.2:
        one |= parts == rng.integers(count)
    if number < regions or rng.random() < 0.7:
        pieces, found = ndimage.label(one)
        if found > 1:
            one = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    if number < regions and rng.random() < 0.7:
        one &= _ellipsoid(rng, parts.shape)
    if rng.random() < 0.5:
        square = np.ones((3, 3), np.uint8)
        one = np.stack([cv2.morphologyEx(p.astype(np.uint8), cv2.MORPH_OPEN, square) for p in one]) > 0
    return one


def _ellipsoid(rng, shape) -> np.ndarray:
    """A window, so that regions end as organs do."""
    ways = np.ogrid[tuple(slice(-1, 1, size * 1j) for size in shape)]
    centre, radii = rng.uniform(-0.4, 0.4, 3), rng.uniform([0.3, 0.45, 0.45], [1, 0.9, 0.9])
    return sum(((way - at) / radius) ** 2 for way, at, radius in zip(ways, centre, radii, strict=True)) < 1


def _beside_edges(rng, one: np.ndarray) -> np.ndarray:
    """Its border some pixels beside the edges, from plane to plane alike."""
    away = rng.normal(0, 1.5) + rng.uniform(0, 2.5) * field(
        rng, one.shape, (rng.uniform(3, 20), *[rng.uniform(5, 15)] * 2)
    )
    return _moved(one, away)


def _painted_by_hand(rng, one: np.ndarray, pixels: float) -> np.ndarray:
    """Borders that wander a little from plane to plane."""
    return _moved(one, field(rng, one.shape, (0, *[rng.uniform(3, 8)] * 2)) * pixels)


def _moved(one: np.ndarray, outwards: np.ndarray) -> np.ndarray:
    """Its border moved by so many pixels, on the planes that it has."""
    distances = [
        cv2.distanceTransform(plane, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - plane, cv2.DIST_L2, 3)
        for plane in one.astype(np.uint8)
    ]
    return (np.stack(distances) + outwards > 0) & one.any(axis=(1, 2), keepdims=True)


def _draw(path: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, 8, figsize=(12, 6))
    for seed, column in enumerate(axes.T):
        volume = made_up(np.random.default_rng(seed), harder=seed >= 4)
        for share, axis in zip((0.15, 0.4, 0.6, 0.85), column, strict=True):
            plane = int(share * len(volume.image))
            axis.imshow(volume.image[plane], cmap="gray")
            axis.axis("off")
            for number, colour in zip(range(1, volume.labels.max() + 1), ("red", "cyan", "yellow"), strict=False):
                if (volume.labels[plane] == number).any():
                    axis.contour(volume.labels[plane] == number, [0.5], colors=colour, linewidths=0.8)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=60)


if __name__ == "__main__":
    _draw(sys.argv[1])
