"""Steps 1, 3 and 5 on a GPU: filters, warps and patch distances with torch, batched over offsets and channels.

The same numbers as on the processor but for rounding, save for the warps: OpenCV looks between pixels in steps of 1/32,
torch exactly. Distance maps and the flow itself stay on the processor. Only imported where the device is a GPU.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ...volume import Volume
from .flow import AdjacentFlow
from .images import DEVIATION_WINDOW, Images
from .patches import PATCH_PIXELS, SIMILARITY_SCALE, SMOOTHINGS, PatchSearch

if TYPE_CHECKING:
    import torch

# Costs of all offsets on one strip of rows take at most this many bytes, and a few times as much in passing.
_STRIP_BYTES = 256 << 20


class TorchImages(Images):
    """Images whose planes are filtered on `device`.

    Every filter that is used is separable and linear, and OpenCV knows what it does at the border: applied to the
    identity it gives the matrix with which rows and columns are multiplied, at whatever size.
    """

    def __init__(self, volume: Volume, region: tuple[slice, slice], device: str):
        import torch

        super().__init__(volume, region)
        self.device = torch.device(device)
        self.tensor = functools.lru_cache(maxsize=self.kept_planes)(self._tensor)
        self._matrix = functools.lru_cache(maxsize=None)(self._made_matrix)

    def _tensor(self, plane: int, sigma: float) -> torch.Tensor:
        """`smoothed` on the device."""
        import torch

        if sigma:
            return self._filtered(self.tensor(plane, 0), f"gaussian {sigma}", f"gaussian {sigma}")
        return torch.from_numpy(np.ascontiguousarray(self._normalised(plane))).to(self.device)

    def _smoothed(self, plane: int, sigma: float) -> np.ndarray:
        plane = self.nearest_plane(plane)
        return self.tensor(plane, sigma).cpu().numpy()

    def edges(self, plane: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        import torch

        smooth = self.tensor(self.nearest_plane(plane), sigma)
        across = self._filtered(smooth, "sobel smooth", "sobel slope")
        down = self._filtered(smooth, "sobel slope", "sobel smooth")
        laplacian = self._filtered(smooth, "curvature", None) + self._filtered(smooth, None, "curvature")
        return torch.hypot(across, down).cpu().numpy(), laplacian.cpu().numpy()

    def deviation(self, plane: int) -> np.ndarray:
        raw = self.tensor(self.nearest_plane(plane), 0)
        mean, square = (self._filtered(image, "mean", "mean") for image in (raw, raw * raw))
        return (square - mean * mean).clamp_min(0).sqrt().cpu().numpy()

    def _filtered(self, image: torch.Tensor, down: str | None, across: str | None) -> torch.Tensor:
        """One filter along the rows' axis, another along the columns'."""
        if down is not None:
            image = self._matrix(down, image.shape[0]) @ image
        return image if across is None else image @ self._matrix(across, image.shape[1]).T

    def _made_matrix(self, name: str, size: int) -> torch.Tensor:
        import cv2
        import torch

        kernel = _KERNELS[name] if name in _KERNELS else _gaussian(float(name.removeprefix("gaussian ")))
        identity = np.eye(size, dtype=np.float32)
        matrix = cv2.sepFilter2D(identity, -1, np.ones(1, np.float32), kernel)
        return torch.from_numpy(matrix).to(self.device)


_KERNELS = {
    "sobel slope": np.array([-1, 0, 1], np.float32),
    "sobel smooth": np.array([1, 2, 1], np.float32),
    "curvature": np.array([1, -2, 1], np.float32),
    "mean": np.full(DEVIATION_WINDOW, 1 / DEVIATION_WINDOW, np.float32),
}


def _gaussian(sigma: float) -> np.ndarray:
    """As large as OpenCV makes it for floating-point images."""
    import cv2

    return cv2.getGaussianKernel(round(8 * sigma + 1) | 1, sigma, cv2.CV_32F)


class TorchFlow(AdjacentFlow):
    """Flow whose warps run on the device of its images."""

    def sample(self, image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        channels = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
        found = self._sampled(channels, column, row)
        return np.ascontiguousarray(found[0] if image.ndim == 2 else np.moveaxis(found, 0, -1))

    def look_up(self, maps: np.ndarray, steps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        if not len(pixels):
            return np.zeros((len(maps), 0), np.float32)
        column, row = (grid.ravel()[pixels] + steps[:, axis] for axis, grid in enumerate((self._column, self._row)))
        return self._sampled(maps, column[None], row[None])[:, 0]

    def _sampled(self, channels: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Bilinear values (channels, ...) at places of shape (rows, columns); beyond the edge the edge repeats."""
        import torch
        from torch.nn import functional

        device = self._images.device
        rows, columns = channels.shape[1:]
        # In float64: scaled to -1..1 and back, places would be 1e-4 pixels off.
        places = torch.from_numpy(np.stack([column, row], axis=-1)).to(device, torch.float64)
        scale = torch.tensor([max(columns - 1, 1), max(rows - 1, 1)], dtype=torch.float64, device=device)
        values = torch.from_numpy(np.ascontiguousarray(channels, np.float32)).to(device, torch.float64)
        found = functional.grid_sample(
            values[None], (2 * places / scale - 1)[None], padding_mode="border", align_corners=True
        )
        return found[0].float().cpu().numpy()


class TorchPatchSearch(PatchSearch):
    """Patch search on the device of its images: all offsets at once, strip by strip."""

    def fuse(self, plane: int, sources: list[tuple[int, np.ndarray, float]]) -> np.ndarray:
        import torch

        rows, columns = self._images.shape
        target = self._padded(plane, PATCH_PIXELS // 2)
        prepared = [self._on_device(*source) for source in sources]
        fused = torch.empty(sources[0][1].shape, device=self._images.device)
        height = max(1, _STRIP_BYTES // (4 * len(self._offsets) * columns))
        for top in range(0, rows, height):
            strip = slice(top, min(rows, top + height))
            fused[:, strip] = self._fused_strip(target, prepared, strip)
        open_pixels = self._open_pixels([probabilities for _, probabilities, _ in sources])
        return np.where(open_pixels, fused.cpu().numpy(), sources[0][1]).astype(np.float32)

    def _padded(self, plane: int, margin: int) -> torch.Tensor:
        """The two smoothings (2, rows, columns) in units of the similarity scale; the edge is repeated."""
        import torch
        from torch.nn import functional

        plane = self._images.nearest_plane(plane)
        smooth = torch.stack([self._images.tensor(plane, sigma) for sigma in SMOOTHINGS]) * SIMILARITY_SCALE**-0.5
        return functional.pad(smooth[None], [margin] * 4, mode="replicate")[0]

    def _on_device(self, plane: int, probabilities: np.ndarray, share: float):
        import torch
        from torch.nn import functional

        channels = self._padded(plane, self._radius + PATCH_PIXELS // 2)
        values = torch.from_numpy(np.ascontiguousarray(probabilities, np.float32)).to(self._images.device)
        values = functional.pad(values[None], [self._radius] * 4, mode="replicate")[0]
        return channels, values, -float(np.log(max(share, 1e-6)))

    def _fused_strip(self, target: torch.Tensor, sources: list, strip: slice) -> torch.Tensor:
        import torch

        costs = [self._strip_costs(target, channels, strip) + handicap for channels, _, handicap in sources]
        least = torch.stack([cost.amin(dim=0) for cost in costs]).amin(dim=0)
        weights = [torch.exp(least - cost) for cost in costs]
        total = sum(weight.sum(dim=0) for weight in weights)
        values = [self._weighted(weight, each[1], strip) for weight, each in zip(weights, sources, strict=True)]
        return sum(values) / total

    def _strip_costs(self, target: torch.Tensor, source: torch.Tensor, strip: slice) -> torch.Tensor:
        """Mean squared patch differences and penalties of all offsets, shape (offsets, rows, columns)."""
        import torch
        from torch.nn import functional

        wanted = target[:, strip.start : strip.stop + PATCH_PIXELS - 1]
        squares = sum(
            (one - found).square()
            for one, found in zip(wanted, (self._shifted(c, strip, wanted.shape[1:]) for c in source), strict=True)
        )
        mean = functional.avg_pool2d(squares[:, None], PATCH_PIXELS, stride=1)[:, 0]
        return mean + torch.tensor(self._penalty, dtype=mean.dtype, device=mean.device)[:, None, None]

    def _shifted(self, channel: torch.Tensor, strip: slice, shape: tuple[int, int]) -> torch.Tensor:
        """A padded channel's strip moved by every offset: (offsets, *shape)."""
        import torch

        part = channel[strip.start : strip.start + shape[0] + 2 * self._radius]
        moved = part.unfold(0, shape[0], 1).unfold(1, shape[1], 1)
        rows, columns = (torch.tensor(self._offsets, device=channel.device) + self._radius).T
        return moved[rows, columns]

    def _weighted(self, weights: torch.Tensor, values: torch.Tensor, strip: slice) -> torch.Tensor:
        """For each class the sum over offsets of the weight times the moved probability."""
        import torch

        return torch.stack([(weights * self._shifted(value, strip, weights.shape[1:])).sum(dim=0) for value in values])
