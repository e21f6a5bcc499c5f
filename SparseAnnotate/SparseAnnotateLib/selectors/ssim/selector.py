"""Planes from clusters of similar structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...device import resolve_device
from ..base import SELECTORS, SelectorOptions
from ..clustering import ClusterSelector, planes_of_range
from .matrix import ssim_matrix


@dataclass(frozen=True, kw_only=True)
class SSIMOptions(SelectorOptions):
    """Options of `ssim`.

    Attributes
    ----------
    device : ``auto`` takes a CUDA GPU where there is one; everything else is computed on the CPU
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


@SELECTORS.register
class SSIMSelector(ClusterSelector):
    """K-means on the rows of the matrix of structural similarities (Payer et al. 2023).

    The matrix is that of the planes of the range. The data range of SSIM is the volume's.
    """

    name = "ssim"
    summary = "planes from groups of similar structure (SSIM), place by place"
    Options = SSIMOptions

    def _features(self, volume, annotation):
        data_range = float(volume.intensities.max()) - float(volume.intensities.min())
        return ssim_matrix(planes_of_range(volume, annotation), data_range, resolve_device(self.options.device))
