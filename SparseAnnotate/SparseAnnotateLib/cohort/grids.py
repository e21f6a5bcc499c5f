"""From one grid to another: voxels of different size that fill the same box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import InputError

# A grid with so much larger or smaller voxels shows something else than the network has learnt.
LARGEST_SPACING_RATIO = 3.0


def size_at_spacing(size: Sequence[int], spacing_mm: Sequence[float], wanted_mm: Sequence[float]) -> tuple[int, ...]:
    """Voxels along each axis of the grid that fills the same box with voxels as close to `wanted_mm` as can be."""
    return tuple(
        max(1, round(count * step / wanted)) for count, step, wanted in zip(size, spacing_mm, wanted_mm, strict=True)
    )


def check_spacing(spacing_mm: Sequence[float], wanted_mm: Sequence[float]) -> None:
    """Refuse a scan whose voxels are of quite another size than those that a network has learnt from.

    Raises
    ------
    InputError
        Where a side is `LARGEST_SPACING_RATIO` times as long or as short.
    """
    for name, here, there in zip(("planes", "rows", "columns"), spacing_mm, wanted_mm, strict=True):
        ratio = here / there
        if not 1 / LARGEST_SPACING_RATIO <= ratio <= LARGEST_SPACING_RATIO:
            raise InputError(
                f"the image's {name} lie {here:.3g} mm apart, the cohort model was trained for {there:.3g} mm: check "
                "the spacing in the image's header, or use a model of such scans"
            )


def line_weights(size: int, wanted: int) -> list[tuple[slice, np.ndarray]]:
    """For each of `wanted` voxels on a line the `size` ones that it is a weighted mean of, and their weights.

    Linear between centres; a triangle as wide as the new voxels where these are larger, so that nothing is skipped.
    """
    scale = size / wanted
    reach = max(1.0, scale)
    result = []
    for number in range(wanted):
        centre = (number + 0.5) * scale - 0.5
        first, last = max(0, int(np.ceil(centre - reach))), min(size - 1, int(np.floor(centre + reach)))
        weights = np.maximum(0.0, 1 - np.abs(np.arange(first, last + 1) - centre) / reach)
        result.append((slice(first, last + 1), (weights / weights.sum()).astype(np.float32)))
    return result


def resized(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """An array (..., planes, rows, columns) on the grid with this many planes, rows and columns; float32.

    Linear, the outer faces of both grids coincide. Memory: the result, and the planes of one voxel of it.
    """
    if tuple(array.shape[-3:]) == tuple(shape):
        return array.astype(np.float32)
    result = np.empty((*array.shape[:-3], *shape), np.float32)
    planes = (resized_plane(array[..., n, :, :], shape[1:]) for n in range(array.shape[-3]))
    for number, plane in enumerate(along_planes(planes, array.shape[-3], shape[0])):
        result[..., number, :, :] = plane
    return result


def along_planes(planes: Iterator[np.ndarray], size: int, wanted: int) -> Iterator[np.ndarray]:
    """`wanted` planes out of `size` ones, which are taken as they are needed and dropped when they are not."""
    held: dict[int, np.ndarray] = {}
    arriving = enumerate(planes)
    for where, weights in line_weights(size, wanted):
        while where.stop - 1 not in held:
            number, plane = next(arriving)
            held[number] = plane
        held = {number: plane for number, plane in held.items() if number >= where.start}
        yield sum(weight * held[number] for number, weight in zip(range(where.start, where.stop), weights, strict=True))


def resized_plane(plane: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A plane (..., rows, columns) with this many rows and columns; float32."""
    if tuple(plane.shape[-2:]) == tuple(shape):
        return plane.astype(np.float32)
    import torch
    from torch.nn import functional

    pixels = torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32)).reshape(1, -1, *plane.shape[-2:])
    seen = functional.interpolate(pixels, tuple(shape), mode="bilinear", align_corners=False, antialias=True)
    return seen.numpy().reshape(*plane.shape[:-2], *shape)
