"""What a network sees of a plane: its region, with the neighbouring planes and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..annotation import SparseAnnotation
from .region import Working, normalized

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from .priors import Prior


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
        """Bool (batch, classes + 1): which classes can occur on planes, on the device; none that was never painted.

        On a plane that is complete for some structures only, these cannot occur where nothing is known.
        """
        return self._classes([self._allowed_on(int(plane)) for plane in planes])

    def open(self, planes) -> Tensor:
        """Bool (batch, classes + 1): what a voxel without a label can be; a structure complete on its plane is not."""
        return self._classes([self.annotation.open_classes(int(plane)) for plane in planes])

    def _allowed_on(self, plane: int) -> np.ndarray:
        whole = self.annotation.known[plane].all()
        return self.annotation.allowed_classes(plane) if whole else self.annotation.open_classes(plane)

    def _classes(self, rows: list[np.ndarray]) -> Tensor:
        import torch

        return torch.from_numpy(np.stack(rows) & self._painted_classes).to(self.device)


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
