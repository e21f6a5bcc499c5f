"""A cohort network applied to one scan: what it says of every voxel, on the scan's own grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ...device import resolve_device
from ...errors import InputError, require
from ...volume import Volume
from ..grids import Region, WayBack, check_spacing, counterpart
from ..model import CohortConfiguration, CohortModel
from ..preprocessing import prepared_image


@dataclasses.dataclass(frozen=True, kw_only=True)
class Applying:
    """How a network is slid over a scan.

    Attributes
    ----------
    device : see `resolve_device`
    overlap : share of a window that lies in the next one, 0 to below 1
    test_time_augmentation : the mean of five views: turned by 8 degrees to both sides, scaled by 1.08 both ways
    """

    device: str = "auto"
    overlap: float = 0.5
    test_time_augmentation: bool = False

    def __post_init__(self):
        if not 0 <= self.overlap <= 0.9:
            raise InputError(f"the overlap is {self.overlap:g}: give a share of a window from 0 to 0.9")


AS_USUAL = Applying()


def check_scan(configuration: CohortConfiguration, volume: Volume) -> None:
    """Refuse a scan that the network cannot have learnt to read.

    Raises
    ------
    InputError
        For another annotation axis, or voxels of quite another size.
    """
    if volume.axis != configuration.axis:
        raise InputError(
            f"the cohort model knows planes along the axis {configuration.axis}, this image is read along "
            f"{volume.axis}: read it along {configuration.axis} (--axis {configuration.axis}), or use another model"
        )
    learnt_mm = configuration.scan_spacing_mm or configuration.spacing_mm
    check_spacing(volume.spacing_mm, learnt_mm)
    if _thick(learnt_mm) == 0 and _thick(volume.spacing_mm) in (1, 2):
        raise InputError(
            f"this image's thick slices do not lie along the axis {volume.axis}, those that the cohort model knows do: "
            "turn the image, or use a model of such scans"
        )


def _thick(spacing_mm: Sequence[float]) -> int | None:
    """The axis along which voxels are clearly longer than along both others."""
    longest = int(np.argmax(spacing_mm))
    return longest if spacing_mm[longest] > 1.5 * sorted(spacing_mm)[1] else None


def plane_heads(
    model: CohortModel, volume: Volume, how: Applying = AS_USUAL, region: Region | None = None
) -> Iterator[np.ndarray]:
    """What the network's heads say, plane by plane, on the scan's own grid.

    Memory: the scan at the network's spacing in 16 bits, and the sums of as many planes as a window has.

    Parameters
    ----------
    region : planes, rows and columns that are asked for; all of them by default

    Yields
    ------
    float32 (heads, structures + 1, rows, columns) of the region, one for each of its planes

    Raises
    ------
    InputError
        See `check_scan`; where the weights do not fit the configuration; where the device is not there.
    """
    check_scan(model.configuration, volume)
    require("torch", extra="deep", purpose="a cohort model")
    from ...learning.inference import views_for
    from ..network import ready_network, stride_of
    from .windows import slid, window_size

    configuration = model.configuration
    device = resolve_device(how.device)
    network = ready_network(model).to(device).eval()
    if region is None:
        region = tuple(slice(0, length) for length in volume.shape)
    image = prepared_image(volume.intensities, volume.spacing_mm, configuration)
    # Half a window around what is asked for shows where it lies.
    whole = window_size(image.shape, configuration.block, stride_of(configuration))
    part = counterpart(region, volume.shape, image.shape, [side // 2 for side in whole])
    way_back = WayBack(volume.shape, region, image.shape, part)
    image = image[part]
    window = window_size(image.shape, configuration.block, stride_of(configuration))
    views = views_for(how.test_time_augmentation, flips=False)
    planes = slid(network, image, window, configuration.input_channels, device, how.overlap, views)
    yield from way_back.planes(planes)


def class_probabilities(
    model: CohortModel, volume: Volume, how: Applying = AS_USUAL, region: Region | None = None
) -> np.ndarray:
    """Class probabilities float32 (structures + 1, planes, rows, columns) of a scan, or of a region of it.

    The mean of the network's heads; see `plane_heads`, which needs less memory.
    """
    return np.stack([heads.mean(axis=0) for heads in plane_heads(model, volume, how, region)], axis=1)
