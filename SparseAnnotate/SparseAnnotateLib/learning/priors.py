"""Interpolation as a prior of networks: what others say of a plane, its own labels left out while it is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..annotation import SparseAnnotation
from ..interpolation import ClassMaps, beyond_of, weights_of
from .region import Working

if TYPE_CHECKING:
    from torch import Generator, Tensor

# The network sees distances up to this many pixels: what lies further is certain. They are interpolated in full, for
# cut maps interpolate to other outlines (glioma: Dice .760 instead of .785); float16 holds them to 1/8 of a pixel.
_LIMIT_PIXELS = 24.0
_FURTHEST_PIXELS = 250.0

# Weights of a painted plane below this move no outline.
_SMALLEST_WEIGHT = 0.01

# A pixel is a logit, as in `guided`: with a third of that, what is sure was learnt anew, and small organs were lost on
# the way (7 organs of OpenKBP_pt_60, 40 steps: Dice .57 instead of .83). No prior says more than so many logits.
_PIXELS_PER_LOGIT = 1.0
_LIMIT_LOGITS = 5.0

# Partly painted planes are completed from their neighbours, then again from completed ones: Dice of the interpolation
# .777 after two, .752 after none.
_COMPLETIONS = 2

# Leaving a plane out doubles the gap; so distances are mixed with the truth by these shares (docs/design/guided.md).
_MIXES = (1.0, 0.5, 0.25)


class Prior(Protocol):
    """Channels of a network's input, and logits that are added to its own."""

    channels: int

    def of(self, planes: Tensor, training: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Channels (batch, channels, rows, columns) in -1..1, and logits (batch, classes + 1, rows, columns)."""


class ShapePrior:
    """The predictor `shape`, as channels and as logits: signed distances on a cardinal spline across planes.

    Parameters
    ----------
    annotation : at least one painted plane
    working : the region; distances are made inside it
    spacing_mm : of planes, rows, columns
    """

    def __init__(self, annotation: SparseAnnotation, working: Working, spacing_mm, device: str):
        self.annotation = annotation
        self.device = device
        self._box = working.box
        first, last = annotation.plane_range
        self.sources = np.array([plane for plane in annotation.painted_planes if first <= plane <= last])
        self.channels = annotation.class_count
        self._spacing_mm = spacing_mm[1:]
        where = (self.sources, *working.box)
        painted, unknown = annotation.labels[where], ~annotation.known[where]
        self._measure(painted)
        for _ in range(_COMPLETIONS if unknown.any() else 0):
            self._measure(self._completed(painted, unknown))
        self._left_out: dict[int, Tensor] = {}

    def _measure(self, painted: np.ndarray) -> None:
        """Signed distances of every class on the painted planes, in pixels, from labels (sources, rows, columns)."""
        import torch

        pixel_mm = min(self._spacing_mm)
        maps = ClassMaps(painted, self.sources, self._spacing_mm)
        self.present = np.zeros((len(painted), self.channels + 1), bool)
        distances = np.full((len(painted), self.channels + 1, *painted.shape[1:]), -_FURTHEST_PIXELS, np.float16)
        for number in range(self.channels + 1):
            found = maps.of(number)
            if found is not None:
                box, values, self.present[:, number] = found
                distances[(slice(None), number, *box)] = np.clip(values / pixel_mm, -_FURTHEST_PIXELS, _FURTHEST_PIXELS)
        # What the caps beyond the last painted planes take off: the inscribed radius of each structure; the background
        # gains that of all structures together.
        self.radius = np.maximum(distances, 0).max(axis=(2, 3)).astype(np.float32)
        self.radius[:, 0] = -np.maximum(-distances[:, 0], 0).max(axis=(1, 2)).astype(np.float32)
        self.distances = torch.from_numpy(distances).to(self.device)

    def _completed(self, painted: np.ndarray, unknown: np.ndarray) -> np.ndarray:
        """Labels of the painted planes; where one is unknown, what the others interpolate to.

        A part of a structure that nobody painted is no background: what is there before and after is there in between.
        """
        result = painted.copy()
        for number in np.flatnonzero(unknown.any(axis=(1, 2))):
            plane = int(self.sources[number])
            distances = self._interpolated(plane, leave_out=True)
            distances[~self.annotation.open_classes(plane)] = -_FURTHEST_PIXELS
            np.copyto(result[number], distances.argmax(0).cpu().numpy().astype(np.uint8), where=unknown[number])
        return result

    def of(self, planes: Tensor, training: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Channels (batch, classes, rows, columns) in -1..1, and logits (batch, classes + 1, rows, columns)."""
        import torch

        if training is None:
            distances = torch.stack([self._interpolated(int(plane), leave_out=False) for plane in planes])
        else:
            distances = self._training_distances(planes.tolist(), training)
        return (distances[:, 1:] / _LIMIT_PIXELS).clamp(-1, 1), _logits_of(distances)

    def left_out_logits(self, plane: int, share: float) -> Tensor:
        """Logits (classes + 1, rows, columns) of a painted plane, by the others, the truth mixed in (1 - share)."""
        return _logits_of(self._mixed(plane, share))

    def truth(self, plane: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels uint8 and known bool (rows, columns) of a plane of the region."""
        place = (plane, *self._box)
        return self.annotation.labels[place], self.annotation.known[place]

    def _interpolated(self, plane: int, *, leave_out: bool) -> Tensor:
        """Distances float32 (classes + 1, rows, columns) of a plane, from the few painted ones that count."""
        import torch

        weights, caps = self._weights(plane, leave_out=leave_out)
        used = np.flatnonzero(np.abs(weights) > _SMALLEST_WEIGHT)
        total = sum(float(weights[n]) * self.distances[n].float() for n in used)
        return total - torch.from_numpy(caps).to(self.device)[:, None, None]

    def _weights(self, plane: int, *, leave_out: bool) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the painted planes (sources,), and what the caps take off each class (classes + 1,) in pixels."""
        kept = self.sources != plane if leave_out else np.ones(len(self.sources), bool)
        if not kept.any():
            kept[:] = True
        sources, targets = self.sources[kept], np.array([plane])
        weights = weights_of(sources, targets, "cardinal")
        beyond = beyond_of(sources, targets, self.annotation.plane_range)
        radius = self.radius[kept][0 if plane < self.sources[kept][0] else -1]
        caps = radius * (1 - np.sqrt(max(0.0, 1 - float(beyond[0]) ** 2)))
        caps[1:][~self._within_reach(plane, kept)[1:]] = 2 * _FURTHEST_PIXELS
        spread = np.zeros(len(self.sources), np.float32)
        spread[kept] = weights[0]
        return spread, caps.astype(np.float32)

    def _within_reach(self, plane: int, kept: np.ndarray) -> np.ndarray:
        """Bool (classes + 1,): whether a class is on a painted plane next to this one, on either side."""
        sources, present = self.sources[kept], self.present[kept]
        after = int(np.searchsorted(sources, plane))
        nearest = [n for n in (after - 1, after) if 0 <= n < len(sources)]
        if after < len(sources) and sources[after] == plane:
            nearest = [after]
        return present[nearest].any(axis=0)

    def _training_distances(self, planes: list[int], generator: Generator) -> Tensor:
        """Interpolated without the planes themselves, then mixed with what these really are."""
        import torch

        choice = torch.randint(0, len(_MIXES), (len(planes),), generator=generator)
        return torch.stack([self._mixed(plane, _MIXES[n]) for plane, n in zip(planes, choice.tolist(), strict=True)])

    def _mixed(self, plane: int, share: float) -> Tensor:
        if plane not in self._left_out:
            self._left_out[plane] = self._interpolated(plane, leave_out=True).half()
        interpolated = self._left_out[plane].float()
        position = np.flatnonzero(self.sources == plane)
        if not len(position) or len(self.sources) == 1:
            return interpolated
        return share * interpolated + (1 - share) * self.distances[int(position[0])].float()


def _logits_of(distances: Tensor) -> Tensor:
    return _LIMIT_LOGITS * (distances / (_PIXELS_PER_LOGIT * _LIMIT_LOGITS)).tanh()
