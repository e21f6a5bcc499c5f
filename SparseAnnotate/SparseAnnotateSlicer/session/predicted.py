"""The labels of a session's prediction, of which its preview shows those that are still to be reviewed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..scene import preview
from .annotated import AnnotatedVolume
from .numbers import renumbered
from .planes import Present


class PredictedLabels:
    """What was predicted last; after loading a scene what the preview shows, which is all that was to be reviewed.

    The numbers are those of ``session.state.predicted_segments``, n standing for the one at n - 1.
    """

    def __init__(self, session: AnnotatedVolume):
        self._session = session
        self._labels: np.ndarray | None = None
        # Whether the array is ours to write to.
        self._is_own = False

    def all(self) -> np.ndarray:
        """uint8 (planes, rows, columns), never to be written to."""
        session = self._session
        if self._labels is None:
            ids = session.state.predicted_segments
            self._labels = preview.labels_of(session.preview_node, session.volume_node, session.volume, ids)
            self._is_own = False
        return self._labels

    def in_numbers_of(self, segment_ids: Sequence[str], planes: list[int]) -> np.ndarray:
        """Labels, 0 on all but these planes, numbered by these segments; of others nothing is left."""
        return renumbered(self.all(), self._session.state.predicted_segments, list(segment_ids), planes)

    def replace(self, labels: np.ndarray, segment_ids: Sequence[str], kept: list[int]) -> None:
        """Put new labels in the place of the old ones, on all planes but those that are kept.

        Parameters
        ----------
        segment_ids : what the new numbers stand for; to be put into the state afterwards
        """
        if kept:
            older = self.in_numbers_of(segment_ids, kept)
            labels = labels.copy()
            labels[kept] = older[kept]
        self._labels, self._is_own = labels, bool(kept)

    def put(self, plane: int, labels: np.ndarray) -> None:
        """New labels on one plane."""
        if not self._is_own:
            self._labels, self._is_own = self.all().copy(), True
        self._labels[plane] = labels

    def clear(self) -> None:
        """There are none any more."""
        self._labels = None


class ShownLabels(Sequence):
    """Of each plane the labels that a preview shows: none but where they are pending, nor where the user painted.

    Made when they are asked for: a volume of 512x512x300 has 79 MB of them.
    """

    def __init__(self, labels: np.ndarray, pending: Collection[int], present: Present):
        self._labels, self._pending, self._present = labels, {*pending}, present

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, plane: int) -> np.ndarray:
        if plane not in self._pending:
            return np.zeros_like(self._labels[plane])
        labels = self._labels[plane]
        return np.where(self._present.given[plane] > 0, 0, labels) if plane in self._present.around else labels
