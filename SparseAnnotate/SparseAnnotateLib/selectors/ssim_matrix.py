"""The structural similarity of every pair of planes, with nothing computed twice.

SSIM (Wang et al. 2004) with the defaults of scikit-image: windows of 7x7 equal weights, K1 = 0.01, K2 = 0.03, sample
covariance, mean over the windows that lie wholly inside the plane. Of

    (2 m_x m_y + C1) (2 cov_xy + C2) / ((m_x^2 + m_y^2 + C1) (var_x + var_y + C2))

only the window sums of x y depend on the pair; means and variances are computed once for each plane. The first
quotient is computed as 1 - (m_x - m_y)^2 / (m_x^2 + m_y^2 + C1), which loses no digits where C1 is all that is left.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

WINDOW = 7
_MARGIN = WINDOW // 2
_LOST = WINDOW - 1
_C1, _C2 = 0.01**2, 0.03**2
# numpy's window means are population moments; scikit-image corrects covariances to samples by 49/48. Here C2 is
# divided by it instead, which leaves the quotient as it is.
_C2_POPULATION = _C2 * (WINDOW**2 - 1) / WINDOW**2

# Moments are kept for a strip of rows of all planes: at 600 planes 315 MB.
_PIXELS_OF_STRIP = 2**15
# A plane is compared with as many others at once as make up this many pixels: of 2^14, 2^15 .. 2^18, this took the
# least processor time on 155 planes of 240x240. Less is lost between numpy's calls, more in the caches.
_PIXELS_AT_ONCE = 2**17
# On the GPU: planes that are compared with one plane at once, by their pixels (64 MB an array).
_PIXELS_ON_GPU = 2**24


def ssim_matrix(planes: np.ndarray, data_range: float, device: str = "cpu") -> np.ndarray:
    """SSIM of all pairs; within 1e-5 of ``skimage.metrics.structural_similarity`` on each.

    Memory beyond the planes is bounded by a strip of rows of each of them (on a GPU, by four times the planes).

    Parameters
    ----------
    planes : ndarray of float32, shape (N, rows, columns)
        Planes narrower than the window of 7 pixels are continued by reflection.
    data_range : largest minus smallest intensity of the volume
    device : ``cuda`` computes on the GPU, anything else on all cores of the CPU

    Returns
    -------
    ndarray of float64, shape (N, N), symmetric, its diagonal 1
    """
    if data_range <= 0:
        return np.ones((len(planes), len(planes)))
    content = Content.of(_widened(planes))
    # Differences to the centre keep float32 accurate where intensities are far from zero (10000 to 11000, say).
    centre = float(np.median(content.planes[:, ::4, ::4])) if content.planes.size else 0.0
    given = content, centre, data_range
    sums = np.triu(with_torch(*given, device) if device == "cuda" else _on_cpu(*given), 1)
    matrix = (sums + sums.T) / content.windows
    np.fill_diagonal(matrix, 1)
    return matrix


def _widened(planes: np.ndarray) -> np.ndarray:
    missing = [max(0, WINDOW - size) for size in planes.shape[1:]]
    return np.pad(planes, [(0, 0), *((0, n) for n in missing)], mode="symmetric") if any(missing) else planes


@dataclass(frozen=True)
class Content:
    """The part of the planes that is not empty: windows of background in both planes have a similarity of exactly 1.

    A brain fills a quarter of its planes, so that this saves more than anything else. Background is what has the
    value of the first plane's corner; an image without any is just not cropped.

    Attributes
    ----------
    planes : cropped to the columns that any of them needs
    rows : int (N, 2), first and one past the last window, by its upper row, in which plane n is not background
    windows : number of windows of a whole plane
    """

    planes: np.ndarray
    rows: np.ndarray
    windows: int

    @classmethod
    def of(cls, planes: np.ndarray) -> Content:
        count, height, width = planes.shape
        rows, in_column = np.zeros((count, 2), int), np.zeros(width, bool)
        for number, plane in enumerate(planes):
            filled = plane != planes[0, 0, 0]
            rows[number] = _touched(filled.any(axis=1))
            in_column |= filled.any(axis=0)
        first, last = _touched(in_column)
        cropped = planes[:, :, first : last + _LOST] if last > first else planes[:, :, :0]
        return cls(cropped, rows, (height - _LOST) * (width - _LOST))

    def rows_of(self, planes: list[int]) -> tuple[int, int]:
        """First and one past the last window in which any of the planes is not background; equal if there is none."""
        touched = [(first, last) for first, last in self.rows[planes].tolist() if last > first]
        return (min(first for first, _ in touched), max(last for _, last in touched)) if touched else (0, 0)


def _touched(filled: np.ndarray) -> tuple[int, int]:
    """First and one past the last window that holds any of the `filled` positions; (0, 0) if none does."""
    positions = np.flatnonzero(filled)
    if not len(positions):
        return 0, 0
    return max(0, int(positions[0]) - _LOST), min(len(filled) - _LOST, int(positions[-1]) + 1)


@dataclass(frozen=True)
class _Moments:
    """What a pair needs of each plane, for the windows of a strip of rows. Intensities count from the centre.

    Attributes
    ----------
    scaled : the window sum of a product of two is 2 E[xy]
    means : the product of two is 2 m_x m_y
    squares : add up to 2 (m_x^2 + m_y^2 + C1) of the true means
    variances : add up to var_x + var_y + C2
    """

    scaled: np.ndarray
    means: np.ndarray
    squares: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, planes: np.ndarray, centre: float, data_range: float, threads: ThreadPoolExecutor) -> _Moments:
        """Moments in float64, kept as float32. The columns that are no window's centre get a similarity of 0."""
        count, height, width = planes.shape
        moments = cls(
            np.empty(planes.shape, np.float32),
            *(np.empty((count, height - _LOST, width), np.float32) for _ in range(3)),
        )

        def fill(number: int) -> None:
            moments._fill(number, (planes[number].astype(np.float64) - centre) / data_range, centre / data_range)

        list(threads.map(fill, range(count)))
        moments.variances[:, :, :_MARGIN] = np.inf
        moments.variances[:, :, -_MARGIN:] = np.inf
        return moments

    def _fill(self, number: int, plane: np.ndarray, centre: float) -> None:
        import cv2

        means = cv2.blur(plane, (WINDOW, WINDOW))[_MARGIN:-_MARGIN]
        variances = cv2.blur(plane * plane, (WINDOW, WINDOW))[_MARGIN:-_MARGIN] - means**2
        self.scaled[number] = plane * (np.sqrt(2) / WINDOW)
        self.means[number] = means * np.sqrt(2)
        self.squares[number] = 2 * (means + centre) ** 2 + _C1
        self.variances[number] = np.maximum(variances, 0) + _C2_POPULATION / 2


def _on_cpu(content: Content, centre: float, data_range: float) -> np.ndarray:
    """Sum over all windows for each pair; the upper triangle is filled."""
    count, height, width = content.planes.shape
    sums = np.full((count, count), float(content.windows))
    if not width:
        return sums
    rows = max(WINDOW, _PIXELS_OF_STRIP // width)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, height - _LOST, rows):
            end = min(start + rows, height - _LOST)
            moments = _Moments.of(content.planes[:, start : end + _LOST], centre, data_range, threads)
            at_once = max(1, _PIXELS_AT_ONCE // ((end - start) * width))
            blocks = [range(first, min(first + at_once, count)) for first in range(0, count, at_once)]
            list(threads.map(lambda block: _compare_with_earlier(moments, content, (start, end), block, sums), blocks))  # noqa: B023
    return sums


def _compare_with_earlier(
    moments: _Moments, content: Content, strip: tuple[int, int], block: range, sums: np.ndarray
) -> None:
    """Add to `sums` what a strip's windows say of the planes of a block and each earlier one, less 1 a window.

    The block's moments stay in the caches while the earlier planes pass by.
    """
    start, end = strip
    width = moments.means.shape[2]
    # Written into again and again: fresh arrays of this size cost more in page faults than in arithmetic.
    buffers = np.empty((4, len(block) * (end - start + _LOST) * width), np.float32)
    for number in range(block.stop - 1):
        others = slice(max(block.start, number + 1), block.stop)
        first, last = content.rows_of([number, *range(others.start, others.stop)])
        first, last = max(first, start) - start, min(last, end) - start
        if first < last:
            windows = (last - first) * (width - _LOST)
            sums[number, others] += _similarity_sums(moments, number, others, slice(first, last), buffers) - windows


def _similarity_sums(moments: _Moments, number: int, others: slice, windows: slice, buffers: np.ndarray) -> np.ndarray:
    """Sum of the similarities of one plane to each of some others, over some rows of windows."""
    import cv2

    count, rows, width = others.stop - others.start, windows.stop - windows.start, moments.means.shape[2]
    wide, narrow = (count, rows + _LOST, width), (count, rows, width)
    product, window_sum, contrast, denominator = (
        buffer[: np.prod(shape)].reshape(shape)
        for buffer, shape in zip(buffers, (wide, wide, narrow, narrow), strict=True)
    )
    pixels = slice(windows.start, windows.stop + _LOST)
    np.multiply(moments.scaled[number, pixels], moments.scaled[others, pixels], out=product)
    # One tall image: the rows that its planes' windows share belong to no window that counts.
    ones = np.ones(WINDOW, np.float32)
    tall = (count * (rows + _LOST), width)
    cv2.sepFilter2D(product.reshape(tall), -1, ones, ones, dst=window_sum.reshape(tall), delta=_C2_POPULATION)
    structure = window_sum[:, _MARGIN:-_MARGIN]
    mean, square, variance = (array[number, windows] for array in (moments.means, moments.squares, moments.variances))
    structure -= np.multiply(mean, moments.means[others, windows], out=denominator)
    structure /= np.add(variance, moments.variances[others, windows], out=denominator)
    np.subtract(mean, moments.means[others, windows], out=contrast)
    contrast *= contrast
    contrast /= np.add(square, moments.squares[others, windows], out=denominator)
    np.subtract(1, contrast, out=contrast)
    return np.array([float(np.vdot(one, other)) for one, other in zip(structure, contrast, strict=True)])


def with_torch(content: Content, centre: float, data_range: float, device: str) -> np.ndarray:
    """As `_on_cpu`, for a GPU: without leaving out rows of background, one plane against many later ones at a time."""
    import torch
    from torch.nn.functional import avg_pool2d

    count, height, width = content.planes.shape
    sums = np.full((count, count), float(content.windows))
    if not width:
        return sums
    planes = torch.empty((count, height, width), device=device)
    means, squares, variances = planes.new_empty((3, count, height - _LOST, width - _LOST))
    for number, plane in enumerate(content.planes):
        values = (torch.from_numpy(np.ascontiguousarray(plane)).to(device).double() - centre) / data_range
        mean = avg_pool2d(values[None], WINDOW, 1)[0]
        variances[number] = avg_pool2d((values * values)[None], WINDOW, 1)[0] - mean**2
        planes[number], means[number], squares[number] = values, mean, (mean + centre / data_range) ** 2
    at_once = max(1, _PIXELS_ON_GPU // (height * width))
    found = planes.new_zeros((count, count), dtype=torch.float64)
    for one in range(count - 1):
        for start in range(one + 1, count, at_once):
            others = slice(start, start + at_once)
            covariance = avg_pool2d(planes[one] * planes[others], WINDOW, 1) - means[one] * means[others]
            structure = (2 * covariance + _C2_POPULATION) / (variances[one] + variances[others] + _C2_POPULATION)
            contrast = (means[one] - means[others]).square_() / (squares[one] + squares[others] + _C1)
            similarity = structure * (1 - contrast)
            found[one, others] = similarity.sum(dim=(1, 2), dtype=torch.float64)
    return sums - (height - _LOST) * (width - _LOST) + found.cpu().numpy()
