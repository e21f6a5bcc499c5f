"""What is told of a prediction: per plane, of the volume, and of each structure; and what takes away from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..annotation import SparseAnnotation
from .hidden import lowered
from .image_agreement import ImageAgreement
from .vanished import lasting_per_plane, lasting_share


@dataclass(frozen=True)
class Told:
    """The Dice that is expected.

    Attributes
    ----------
    per_plane : float32 (planes,), mean over the structures on the plane; NaN where nothing was predicted
    whole : of the volume, or None
    per_class : of the volume, by the structure's name
    per_structure : float32 (planes, classes), of each structure on each plane, or None
    """

    per_plane: np.ndarray
    whole: float | None
    per_class: dict[str, float]
    per_structure: np.ndarray | None

    def lowered(self, shift: np.ndarray, labels: np.ndarray, annotation: SparseAnnotation) -> Told:
        """The same after log-odds were added to what each structure loses."""
        if not shift.any():
            return self
        added = {one.name: shift[number] for number, one in enumerate(annotation.classes)}
        per_class = {name: round(float(lowered(dice, added[name])), 4) for name, dice in self.per_class.items()}
        by_label = np.append(0.0, shift)
        mean = [np.mean(by_label[found[found > 0]]) if found.any() else 0 for found in map(np.unique, labels)]
        per_structure = None if self.per_structure is None else lowered(self.per_structure, shift).astype(np.float32)
        per_plane = lowered(self.per_plane, np.array(mean)).astype(np.float32)
        return Told(per_plane, self._whole_with(per_class), per_class, per_structure)

    def without(self, labels: np.ndarray, missing_px: np.ndarray, annotation: SparseAnnotation) -> Told:
        """The same where structures vanished: nobody who looks only at what is there can know that."""
        if not missing_px.any():
            return self
        shares = lasting_share(labels, missing_px)
        names = [label_class.name for label_class in annotation.classes]
        per_class = {
            n: round(self.per_class[n] * s, 4) for n, s in zip(names, shares, strict=True) if n in self.per_class
        }
        whole = self._whole_with(per_class)
        if not per_class and whole is not None:
            whole *= float(shares.mean())
        return Told(self._with_lost(labels, missing_px), whole, per_class, self.per_structure)

    def at_most(self, image: ImageAgreement, labels: np.ndarray, annotation: SparseAnnotation) -> Told:
        """No more than the image agrees with, and nothing where it shows a structure that was not predicted."""
        most = image.most_per_structure()
        per_class = {
            one.name: round(min(self.per_class[one.name], float(most[number])), 4)
            for number, one in enumerate(annotation.classes)
            if one.name in self.per_class
        }
        per_plane, per_structure = self.per_plane, self.per_structure
        if per_structure is not None:
            before = per_structure
            per_structure = np.minimum(before, image.most_per_plane()).astype(np.float32)
            sums = np.nansum(before, axis=1)
            share = np.divide(np.nansum(per_structure, axis=1), sums, out=np.ones(len(sums)), where=sums > 0)
            per_plane = (per_plane * share).astype(np.float32)
        told = Told(per_plane, self._whole_with(per_class), per_class, per_structure)
        missed = image.missed_px()
        return Told(told._with_lost(labels, missed), told.whole, per_class, per_structure) if missed.any() else told

    def _with_lost(self, labels: np.ndarray, missing_px: np.ndarray) -> np.ndarray:
        return lasting_per_plane(self.per_plane, labels, missing_px).astype(np.float32)

    def _whole_with(self, per_class: dict[str, float]) -> float | None:
        """The volume's Dice after its structures' changed: their mean changes as much."""
        before = sum(self.per_class[name] for name in per_class)
        return self.whole if self.whole is None or not before else self.whole * sum(per_class.values()) / before
