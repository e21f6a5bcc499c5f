"""Step 3, `chain`: optical flow between adjacent planes, composed plane by plane."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from ..memory import Memory, digest
from .images import Images, kept_results

# Noise below the pixel scale makes the flow rough. In a doubled image .7 of its pixels are .35 of ours.
SMOOTHING_SIGMA = 0.7

# The preset's 5 take a quarter longer and gained .003 on small organs at 5 % (four cases); none lost another .006.
REFINEMENTS = 2

# DIS works on 8 x 8 patches: smaller windows are taken as unmoved.
_LEAST_PIXELS = 12

# In larger windows the flow is found on every second row and column. (In small ones that lost up to .02 on small organs
# and .004 on tissues, and was even on left atria.)
_PIXELS_AT_FULL_SCALE = 256 * 256

# DIS compares patches of 8 x 8 pixels, wider than small structures. Where structures are thinner than this (inscribed
# radius), small windows are enlarged twice, larger ones, where that takes too long, one and a half times: hippocampi
# +.008.
FINE_BELOW_RADIUS_PIXELS = 8.0
_SCALES_UP_TO_PIXELS = ((80 * 80, 2.0), (128 * 128, 1.5))


class AdjacentFlow:
    """Dense inverse search optical flow (Kroeger et al., ECCV 2016) between neighbouring planes, in pixels.

    A flow from z to y, shape (rows, columns, 2) as (column, row), tells for each pixel of z where to find it in y.

    Parameters
    ----------
    fine : look at small windows enlarged
    memory : keeps what was found in windows that look the same, wherever they lie
    """

    def __init__(self, images: Images, fine: bool = False, memory: Memory | None = None):
        self._images = images
        self._fine = fine
        self._memory = memory
        rows, columns = images.shape
        self._row, self._column = (grid.astype(np.float32) for grid in np.mgrid[:rows, :columns])
        self._low, self._high = images.normalised_range
        # Each plane is looked at from its neighbours and from both sides.
        self._eight_bit = kept_results(self._made_eight_bit, images.kept_planes)

    def _made_eight_bit(self, plane: int, sigma: float) -> np.ndarray:
        smooth = self._images.smoothed(plane, sigma)
        return np.clip((smooth - self._low) * (255 / max(self._high - self._low, 1e-6)), 0, 255).astype(np.uint8)

    def between(self, plane: int, neighbour: int, window: tuple[slice, slice] | None = None) -> np.ndarray:
        """The flow from `plane` to the plane next to it; outside the `window` nothing moves."""
        import cv2

        flow = np.zeros((*self._images.shape, 2), np.float32)
        window = window or (slice(None), slice(None))
        if min(flow[window].shape[:2]) < _LEAST_PIXELS:
            return flow
        size = flow[window].size // 2
        scale = next((scale for most, scale in _SCALES_UP_TO_PIXELS if self._fine and size <= most), 1.0)
        here, there = (
            np.ascontiguousarray(self._eight_bit(z, SMOOTHING_SIGMA / scale)[window]) for z in (plane, neighbour)
        )

        def search() -> np.ndarray:
            searching = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
            searching.setFinestScale(int(size > _PIXELS_AT_FULL_SCALE))
            searching.setVariationalRefinementIterations(REFINEMENTS)
            return _flow_at_scale(searching, here, there, scale)

        if self._memory is None:
            flow[window] = search()
        else:
            flow[window] = self._memory.made(digest("flow", here, there, scale), search)
        return flow

    def steps(self, source: int, targets: Iterable[int], window: tuple[slice, slice] | None = None) -> list[np.ndarray]:
        """For each of `targets`, which follow `source` one by one, the flow to the plane before it."""
        return [self.between(plane, previous, window) for previous, plane in itertools.pairwise([source, *targets])]

    def compose(self, step: np.ndarray, onward: np.ndarray | None) -> np.ndarray:
        """The flow from z to its source: `step` from z to its neighbour, then `onward` from there."""
        return step if onward is None else step + self.warp(onward, step)

    def warp(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """`image` (rows, columns) or (rows, columns, up to 4) of the source, as seen through the flow to it."""
        return self.sample(image, self._column + flow[..., 0], self._row + flow[..., 1])

    def warp_at(self, maps: np.ndarray, flow: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """`maps` (channels, rows, columns) seen through the flow, at flat `pixels` only: shape (channels, pixels)."""
        return self.look_up(maps, flow.reshape(-1, 2)[pixels], pixels)

    def look_up(self, maps: np.ndarray, steps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The same from the flow (pixels, 2) at these pixels alone."""
        if not len(pixels):
            return np.zeros((len(maps), 0), np.float32)
        width = min(1024, len(pixels))
        column, row = (
            np.resize(grid.ravel()[pixels] + steps[:, axis], (-(-len(pixels) // width), width))
            for axis, grid in enumerate((self._column, self._row))
        )
        return np.stack([self.sample(channel, column, row).ravel()[: len(pixels)] for channel in maps])

    @staticmethod
    def sample(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Bilinear values of `image` at fractional places; beyond its edge the edge repeats."""
        import cv2

        return cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _flow_at_scale(search, here: np.ndarray, there: np.ndarray, scale: float) -> np.ndarray:
    """The flow found in images enlarged `scale` times, in pixels of the images given."""
    import cv2

    if scale == 1:
        return search.calc(here, there, None)
    rows, columns = here.shape
    size = round(scale * columns), round(scale * rows)
    larger = [cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) for image in (here, there)]
    return cv2.resize(search.calc(*larger, None), (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(scale)
