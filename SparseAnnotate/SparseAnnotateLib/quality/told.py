"""What is told of a prediction: per plane, of the volume, and of each structure; and what takes away from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..annotation import SparseAnnotation
from .image_agreement import ImageAgreement
from .vanished import lasting_per_plane, lasting_share

# More than this is told only of structures of which a left-out plane bears it out.
UNPROVEN = 0.99


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

    def with_odds(self, shift: np.ndarray, labels: np.ndarray, annotation: SparseAnnotation) -> Told:
        """The same after log-odds (structures,) were added to what each structure loses."""
        if not shift.any():
            return self
        added = {one.name: shift[number] for number, one in enumerate(annotation.classes)}
        per_class = {name: round(float(_with_odds(dice, added[name])), 4) for name, dice in self.per_class.items()}
        told = Told(self.per_plane, self._whole_with(per_class), per_class, self.per_structure)
        if self.per_structure is not None:
            return told._with_structures(_with_odds(self.per_structure, shift))
        by_label = np.append(0.0, shift)
        mean = [np.mean(by_label[found[found > 0]]) if found.any() else 0 for found in map(np.unique, labels)]
        return replace(told, per_plane=_with_odds(self.per_plane, np.array(mean)).astype(np.float32))

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
        told = Told(self.per_plane, self._whole_with(per_class), per_class, self.per_structure)
        if self.per_structure is not None:
            told = told._with_structures(np.minimum(self.per_structure, image.most_per_plane()))
        missed = image.missed_px()
        return replace(told, per_plane=told._with_lost(labels, missed)) if missed.any() else told

    def doubted(self, sizes: np.ndarray, doubtful_px: np.ndarray, annotation: SparseAnnotation) -> Told:
        """The same where structures may go on, on so many pixels, though nothing was predicted there.

        Parameters
        ----------
        sizes : pixels of each structure on each plane (planes, classes), those that were painted among them
        doubtful_px : pixels on which each may go on, of the same shape
        """
        if not doubtful_px.any():
            return self
        shares = sizes.sum(axis=0) / np.maximum(sizes.sum(axis=0) + doubtful_px.sum(axis=0) / 2, 1)
        per_class = {
            one.name: round(self.per_class[one.name] * float(shares[number]), 4)
            for number, one in enumerate(annotation.classes)
            if one.name in self.per_class
        }
        told = Told(self.per_plane, self._whole_with(per_class), per_class, self.per_structure)
        if self.per_structure is None:
            return told
        return told._with_structures(self.per_structure * (sizes / np.maximum(sizes + doubtful_px / 2, 1)))

    def proven(self, borne_out: Callable[[], np.ndarray], annotation: SparseAnnotation) -> Told:
        """No number above `UNPROVEN` but for structures that left-out planes bear out: of planes, volume, structures.

        Parameters
        ----------
        borne_out : gives bool (structures,). Planes are left out only if a structure or the volume has more.
        """
        asked = max([self.whole or 0, *self.per_class.values()]) > UNPROVEN
        proof = borne_out() if asked else np.zeros(annotation.class_count, bool)
        proven = {one.name: bool(proof[number]) for number, one in enumerate(annotation.classes)}
        per_class = {name: d if proven[name] else min(d, UNPROVEN) for name, d in self.per_class.items()}
        whole = self._whole_with(per_class)
        if whole is not None and not proof.any():
            whole = min(whole, UNPROVEN)
        per_structure = self.per_structure
        if per_structure is not None:
            per_structure = np.where(proof, per_structure, np.minimum(per_structure, UNPROVEN)).astype(np.float32)
        per_plane = self.per_plane if proof.all() else np.minimum(self.per_plane, UNPROVEN).astype(np.float32)
        return Told(per_plane, whole, per_class, per_structure)

    def _with_structures(self, per_structure: np.ndarray) -> Told:
        """With another Dice of each structure on each plane: the planes' means change as much."""
        sums = np.nansum(self.per_structure, axis=1)
        share = np.divide(np.nansum(per_structure, axis=1), sums, out=np.ones(len(sums)), where=sums > 0)
        per_plane = (self.per_plane * share).astype(np.float32)
        return Told(per_plane, self.whole, self.per_class, per_structure.astype(np.float32))

    def _with_lost(self, labels: np.ndarray, missing_px: np.ndarray) -> np.ndarray:
        return lasting_per_plane(self.per_plane, labels, missing_px).astype(np.float32)

    def _whole_with(self, per_class: dict[str, float]) -> float | None:
        """The volume's Dice after its structures' changed: their mean changes as much."""
        before = sum(self.per_class[name] for name in per_class)
        return self.whole if self.whole is None or not before else self.whole * sum(per_class.values()) / before


def _with_odds(dice, shift):
    """A Dice after log-odds were added to what it lacks; where there are none to add it stays as it is."""
    lost = np.clip(1 - np.asarray(dice, float), 1e-6, 1 - 1e-6)
    changed = 1 - 1 / (1 + np.exp(-(np.log(lost / (1 - lost)) + shift)))
    return np.where(shift == 0, dice, changed)
