"""A segmentation that a program made, to start from: labels of every plane, none of which is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .label_map import LabelClass


@dataclass(frozen=True)
class Initial:
    """A rough segmentation of the whole volume.

    Attributes
    ----------
    labels : ndarray of uint8, shape (planes, rows, columns)
        0 is background, n is ``classes[n - 1]``. Never written to.
    classes : tuple of LabelClass, those of the annotation that corrects it
    doubt : ndarray of float16, shape (planes, rows, columns), or None
        How unsure the program was of each label, 0 to 1; or how many of several programs say something else.
    """

    labels: np.ndarray
    classes: tuple[LabelClass, ...]
    doubt: np.ndarray | None = None

    def of_classes(self, classes: Sequence[LabelClass]) -> np.ndarray:
        """Labels numbered as `classes`, some of its own; what is none of them is background."""
        if tuple(classes) == self.classes:
            return self.labels
        places = {one.value: number for number, one in enumerate(classes, start=1)}
        return np.array([0, *(places.get(one.value, 0) for one in self.classes)], np.uint8)[self.labels]
