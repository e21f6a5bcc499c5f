"""Tidying a label map: holes filled, stray parts removed."""

from __future__ import annotations

import numpy as np

from .annotation import SparseAnnotation


def clean(labels: np.ndarray, annotation: SparseAnnotation, *, fill_holes: str = "off", main_component: bool = False) -> None:
    """Tidy `labels` (planes, rows, columns) in place, class by class. See `fill_holes_of` and `main_component_of`."""
    if fill_holes == "off" and not main_component:
        return
    raise NotImplementedError
