"""Planes from clusters that look alike to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..device import resolve_device
from ..learning.pretrained.weights import ALEXNET, check_there, load, locate
from .base import SELECTORS, SelectorOptions
from .clustering import ClusterSelector, planes_of_range
from .lpips_matrix import lpips_matrix, robust_window


@dataclass(frozen=True, kw_only=True)
class PerceptualOptions(SelectorOptions):
    """Options of `perceptual`.

    Attributes
    ----------
    device : ``auto`` takes a GPU where there is one
    weights : file or folder with AlexNet's ImageNet weights, torchvision's whole ones or the features alone; by
        default the environment variable SPARSEANNOTATE_WEIGHTS, then torch hub's cache, then a download (244 MB)
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    weights: str | None = None

    def check_files(self) -> None:
        """See `Options`."""
        if self.weights is not None:
            check_there(locate(ALEXNET, self.weights), "--weights")


@SELECTORS.register
class PerceptualSelector(ClusterSelector):
    """K-means on the rows of the matrix of perceptual distances, LPIPS with AlexNet (Payer et al. 2023).

    The matrix is that of the planes of the range, its window of intensities that of the volume.
    """

    name = "perceptual"
    needs = ("torch", "lpips")
    extra = "deep"
    summary = "planes from groups that look alike to a network (LPIPS)"
    Options = PerceptualOptions

    def _features(self, volume, annotation):
        device = resolve_device(self.options.device)
        weights = load(ALEXNET, self.options.weights)
        window = robust_window(volume.intensities)
        return lpips_matrix(planes_of_range(volume, annotation), window, weights, device)
