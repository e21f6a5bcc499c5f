"""Tidying a label map: holes filled, stray parts removed."""

from __future__ import annotations

import numpy as np

from .annotation import SparseAnnotation
from .distances import bounding_box

# A part that is smaller than this share of its structure's largest part is a speck.
_SPECK = 0.01


def clean(
    labels: np.ndarray, annotation: SparseAnnotation, *, fill_holes: str = "off", main_component: bool = False
) -> None:
    """Tidy `labels` (planes, rows, columns) in place, class by class: stray parts first, then holes.

    Parameters
    ----------
    fill_holes : {"off", "plane", "volume"}
        See `fill_holes_of`.
    main_component : see `main_component_of`
    """
    if fill_holes == "off" and not main_component:
        return
    for number in range(1, annotation.class_count + 1):
        if main_component:
            main_component_of(labels, number, annotation.labels == number)
        if fill_holes != "off":
            fill_holes_of(labels, number, per_plane=fill_holes == "plane", known=annotation.known)


def fill_holes_of(labels: np.ndarray, number: int, *, per_plane: bool = False, known: np.ndarray | None = None) -> None:
    """Give class `number` the background that it encloses, in place; other classes inside it stay.

    A hole is a part of the voxels without this class that reaches the image's edge nowhere, over face neighbours: of
    its plane, or of the volume. Known background is no hole: the expert saw it.

    Parameters
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
    known : ndarray of bool, same shape
    """
    from scipy import ndimage

    box = bounding_box(labels == number)
    if box is None:
        return
    part = labels[box]
    mask = part == number
    if per_plane:
        filled = np.stack([ndimage.binary_fill_holes(plane) for plane in mask])
    else:
        filled = ndimage.binary_fill_holes(mask)
    filled &= part == 0
    if known is not None:
        filled &= ~known[box]
    part[filled] = number


def main_component_of(labels: np.ndarray, number: int, painted: np.ndarray | None = None) -> None:
    """Keep the largest connected part of class `number`, in place, and every part that holds a painted voxel of it.

    What the expert painted in two parts is meant to be in two parts (kidneys, ventricles). Voxels that touch by a
    corner are connected.

    Parameters
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
    painted : ndarray of bool, same shape
        Known voxels of the class.
    """
    parts = _parts(labels, number)
    if parts is None:
        return
    box, components, sizes = parts
    kept = np.zeros(len(sizes), bool)
    kept[sizes.argmax()] = True
    if painted is not None:
        kept[components[painted[box]]] = True
    kept[0] = True
    labels[box][~kept[components]] = 0


def without_specks(labels: np.ndarray, class_count: int) -> None:
    """Remove parts of a class that are smaller than a hundredth of its largest one, in place.

    A network leaves such specks behind. What is larger may be meant: kidneys, ventricles, metastases.
    """
    for number in range(1, class_count + 1):
        parts = _parts(labels, number)
        if parts is None:
            continue
        box, components, sizes = parts
        small = (sizes > 0) & (sizes < _SPECK * sizes.max())
        labels[box][small[components]] = 0


def _parts(labels: np.ndarray, number: int) -> tuple[tuple[slice, ...], np.ndarray, np.ndarray] | None:
    """The box of a class, the number of the connected part of each voxel in it, and the parts' sizes; None if absent.

    The first size, of what is outside the class, is 0.
    """
    box = bounding_box(labels == number)
    if box is None:
        return None
    components = _components(labels[box] == number)
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    return box, components, sizes


def _components(mask: np.ndarray) -> np.ndarray:
    """Number of the connected part (26 neighbours) of each voxel; 0 outside the mask."""
    from scipy import ndimage

    return ndimage.label(mask, structure=np.ones((3, 3, 3), bool))[0]
