"""What a network sees of a plane: the part that matters, normalised, with its neighbours and what is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from ..distances import bounding_box

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from .priors import Prior

Box = tuple[slice, slice]

# Normalised intensities are cut here, in standard deviations: metal and vessels stay bright without ruling the rest.
_LIMIT = 5.0

# Percentiles of this many voxels have an error far below a grey level of any scanner, and take 20 ms instead of 5 s.
_PERCENTILE_VOXELS = 500_000
_PERCENTILE_PLANES = 32


@dataclass(frozen=True)
class Working:
    """The part of a plane that is worked on, and how many times it is magnified."""

    box: Box
    zoom: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the box, before magnification."""
        rows, columns = self.box
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns as the network sees them, without padding."""
        return tuple(max(1, round(length * self.zoom)) for length in self.shape)


def working_region(annotation: SparseAnnotation, *, margin: int, smallest_side: int, stride: int) -> Working:
    """The box of the painted labels, `margin` pixels wider, magnified where it is smaller than `smallest_side`.

    Widened further, where the image allows, to a multiple of the network's `stride`: real pixels instead of padding.
    Where labels are missing from partly painted planes, the margin is a third of the box; but never is the box larger
    than what holds every unknown voxel and every label (with a box drawn by hand: that one, and the margin).
    """
    first, last = annotation.plane_range
    inside = slice(first, last + 1)
    labelled = annotation.labels[inside].any(axis=0)
    box = bounding_box(labelled)
    if box is None:
        box = (slice(0, labelled.shape[0]), slice(0, labelled.shape[1]))
    around = margin
    if len(annotation.complete_planes) < int(annotation.painted.sum()):
        around = max(margin, max(side.stop - side.start for side in box) // 3)
    box = _widened(box, around, labelled.shape)
    open_box = bounding_box(labelled | ~annotation.known[inside].all(axis=0), margin)
    if open_box is not None:
        box = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, open_box, strict=True))
    longest = max(side.stop - side.start for side in box)
    zoom = min(4.0, max(1.0, smallest_side / longest))
    return Working(_to_stride(box, zoom, stride, labelled.shape), zoom)


def _widened(box: Box, margin: int, shape: tuple[int, int]) -> Box:
    return tuple(
        slice(max(0, s.start - margin), min(size, s.stop + margin)) for s, size in zip(box, shape, strict=True)
    )


def _to_stride(box: Box, zoom: float, stride: int, shape: tuple[int, int]) -> Box:
    sides = []
    for side, size in zip(box, shape, strict=True):
        length = side.stop - side.start
        wanted = min(size, int(math.ceil(length * zoom / stride) * stride / zoom))
        start = min(max(0, side.start - (wanted - length) // 2), size - wanted)
        sides.append(slice(start, start + wanted))
    return tuple(sides)


def normalized(intensities: np.ndarray, percentiles: tuple[float, float] = (0.5, 99.5)) -> np.ndarray:
    """Clipped at two percentiles, mean 0 and standard deviation 1; float16, for it is only looked at."""
    some = intensities[:: max(1, len(intensities) // _PERCENTILE_PLANES)].reshape(-1)
    # An odd step, so that rows of a power of two do not alias into a few columns.
    sample = some[:: max(1, some.size // _PERCENTILE_VOXELS) | 1]
    low, high = np.percentile(sample, percentiles)
    clipped = np.clip(sample, low, high)
    mean, deviation = float(clipped.mean()), float(clipped.std()) or 1.0
    result = np.empty(intensities.shape, np.float16)
    for plane, target in zip(intensities, result, strict=True):
        target[:] = np.clip((np.clip(plane, low, high) - mean) / deviation, -_LIMIT, _LIMIT)
    return result


class PlaneSource:
    """Makes network inputs of planes, on the device, from one float16 copy of the working region.

    Parameters
    ----------
    intensities : the volume's, shape (planes, rows, columns)
    annotation : what is known
    working : the region
    device : where the copy lies
    neighbours : planes on each side that become channels (2.5-D); beyond the volume its last plane is repeated
    known_channel : add the known mask as a channel (Specktor-Fadida 2023)
    prior : add its channels, and its logits to the network's
    """

    def __init__(
        self,
        intensities: np.ndarray,
        annotation: SparseAnnotation,
        working: Working,
        device: str,
        *,
        neighbours: int = 1,
        known_channel: bool = False,
        prior: Prior | None = None,
    ):
        import torch

        self.annotation = annotation
        self.working = working
        self.device = device
        self.neighbours = neighbours
        self.prior = prior
        painted = annotation.labels[annotation.painted]
        self._painted_classes = np.bincount(painted.ravel(), minlength=annotation.class_count + 1) > 0
        self._painted_classes[0] = True
        # Border planes (training) and neighbours lie just outside the range: a few planes more are kept.
        self.first = max(0, annotation.plane_range[0] - neighbours - 8)
        last = min(len(intensities), annotation.plane_range[1] + 1 + neighbours + 8)
        cropped = intensities[(slice(self.first, last), *working.box)]
        self.images = torch.from_numpy(normalized(cropped)).to(device)
        self.known = None
        if known_channel:
            self.known = torch.from_numpy(annotation.known[(slice(self.first, last), *working.box)].copy()).to(device)

    @property
    def image_channels(self) -> int:
        """Channels that hold intensities; they come first."""
        return 2 * self.neighbours + 1

    @property
    def channels(self) -> int:
        """All channels of an input."""
        return self.image_channels + (self.known is not None) + (self.prior.channels if self.prior else 0)

    def inputs(self, planes: Tensor, training: Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """Inputs float32 (batch, channels, rows, columns) and prior logits (batch, classes + 1, ...) or None.

        Parameters
        ----------
        planes : int64 (batch,) on the CPU, numbers of the volume's planes
        training : a source of chance while training. Then a plane's own labels are kept out of its prior, and the
            known mask is hidden from half of the inputs, for on the planes to predict it is empty.
        """
        import torch

        offsets = torch.arange(-self.neighbours, self.neighbours + 1)
        wanted = (planes[:, None] + offsets - self.first).clamp(0, len(self.images) - 1).to(self.device)
        parts = [self.images[wanted].float()]
        if self.known is not None:
            parts.append(self._known_channel(planes, training))
        if self.prior is None:
            return parts[0] if len(parts) == 1 else torch.cat(parts, 1), None
        channels, logits = self.prior.of(planes, training)
        return torch.cat([*parts, channels], 1), logits

    def _known_channel(self, planes: Tensor, training: Generator | None) -> Tensor:
        import torch

        channel = self.known[(planes - self.first).to(self.device)][:, None].float()
        if training is None:
            return channel
        shown = torch.rand(len(planes), generator=training) < 0.5
        return channel * shown.view(-1, 1, 1, 1).to(self.device)

    def truth(self, planes) -> tuple[Tensor, Tensor]:
        """Labels int64 and known bool (batch, rows, columns) of planes, on the device."""
        import torch

        where = (np.asarray(planes), *self.working.box)
        labels = torch.from_numpy(self.annotation.labels[where]).to(self.device)
        known = torch.from_numpy(self.annotation.known[where]).to(self.device)
        return labels.long(), known

    def allowed(self, planes) -> Tensor:
        """Bool (batch, classes + 1): which classes can occur on planes, on the device; none that was never painted."""
        import torch

        rows = np.stack([self.annotation.allowed_classes(int(plane)) & self._painted_classes for plane in planes])
        return torch.from_numpy(rows).to(self.device)


def training_planes(annotation: SparseAnnotation, border_planes: int) -> list[int]:
    """The painted planes inside the range, and the `border_planes` next to its ends, known to be empty."""
    first, last = annotation.plane_range
    planes = [plane for plane in annotation.painted_planes if first <= plane <= last]
    outside = [*range(first - border_planes, first), *range(last + 1, last + 1 + border_planes)]
    return sorted(planes + [plane for plane in outside if 0 <= plane < annotation.planes])


def held_out_planes(annotation: SparseAnnotation) -> list[int]:
    """Evenly spaced painted planes for validation: one of five, none of fewer than five, never the first or last."""
    first, last = annotation.plane_range
    painted = [plane for plane in annotation.painted_planes if first <= plane <= last]
    count = len(painted) // 5
    positions = ((np.arange(count) + 0.5) * len(painted) / max(1, count)).astype(int)
    return [painted[position] for position in positions]
