"""The structural similarity of every pair of planes, with nothing computed twice.

SSIM (Wang et al. 2004) with the defaults of scikit-image: windows of 7x7 equal weights, K1 = 0.01, K2 = 0.03, sample
covariance, mean over the windows that lie wholly inside the plane. Of

    (2 m_x m_y + C1) (2 cov_xy + C2) / ((m_x^2 + m_y^2 + C1) (var_x + var_y + C2))

only the window sums of x y depend on the pair; means and variances are computed once for each plane.

What is added up is the dissimilarity, 1 less the similarity. Where x is background it is a property of y alone, g_y
(0 where both are), so that with G_y, its sum over a whole plane, and Q, the box where neither need be background,

    sum of the dissimilarity of x and y  =  G_x + G_y + sum over Q of (1 - similarity - g_x - g_y).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .content import C1, C2_POPULATION, LOST, WINDOW, Box, Content, Scale, background_of, hull

_MARGIN = WINDOW // 2
_WEIGHTS = np.ones(WINDOW, np.float32)

# Moments are kept for a strip of rows of all planes, of so many pixels each: at 600 planes 240 MB.
_PIXELS_OF_STRIP = 2**14
# So many neighbouring planes share a box, and are copied out of the strip at once. Fewer are copied more often, more
# have a larger box around them.
_PLANES_OF_GROUP = 8
# A plane is compared with as many others at once as make up this many pixels: less is lost between numpy's calls, more
# in the caches.
_PIXELS_AT_ONCE = 2**16


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
    planes = _widened(planes)
    # Differences to the centre keep float32 accurate where intensities are far from zero (10000 to 11000, say).
    scale = Scale(float(np.median(planes[:, ::4, ::4])) if planes.size else 0.0, float(data_range))
    if device == "cuda":
        from .on_gpu import dissimilarity_sums

        sums = dissimilarity_sums(planes, scale, device)
    else:
        sums = _dissimilarity_sums(planes, scale)
    sums = np.triu(sums, 1)
    return 1 - (sums + sums.T) / ((planes.shape[1] - LOST) * (planes.shape[2] - LOST))


def _widened(planes: np.ndarray) -> np.ndarray:
    missing = [max(0, WINDOW - size) for size in planes.shape[1:]]
    return np.pad(planes, [(0, 0), *((0, n) for n in missing)], mode="symmetric") if any(missing) else planes


@dataclass(frozen=True)
class _Moments:
    """What a pair needs of each plane, for the windows of some rows and columns; float32 (planes, rows, columns).

    Attributes
    ----------
    scaled : the window sum of a product of two is 2 E[xy]; all pixels, the others have the windows' rows only
    means : the product of two is 2 m_x m_y, counted from the centre
    levels : the product of two is 2 m_x m_y of the true means; the same array as `means` where the centre is 0
    squares : add up to m_x^2 + m_y^2 + C1 of the true means
    variances : add up to var_x + var_y + C2
    deficits : the dissimilarity to background
    """

    scaled: np.ndarray
    means: np.ndarray
    levels: np.ndarray
    squares: np.ndarray
    variances: np.ndarray
    deficits: np.ndarray

    @classmethod
    def of(cls, planes: np.ndarray, background: float, scale: Scale, threads: ThreadPoolExecutor) -> _Moments:
        """Moments in float64, kept as float32. The first and last three columns are no window's centre."""
        count, height, width = planes.shape
        means, *narrow = (np.empty((count, height - LOST, width), np.float32) for _ in range(5 if scale.zero else 4))
        levels = narrow.pop() if scale.zero else means
        moments = cls(np.empty(planes.shape, np.float32), means, levels, *narrow)
        list(threads.map(lambda number: moments._fill(number, planes[number], background, scale), range(count)))
        return moments

    def _fill(self, number: int, plane: np.ndarray, background: float, scale: Scale) -> None:
        import cv2

        plane = scale(plane.astype(np.float64))
        window = {"ddepth": cv2.CV_64F, "ksize": (WINDOW, WINDOW)}
        means = cv2.boxFilter(plane, **window)[_MARGIN:-_MARGIN]
        variances = cv2.sqrBoxFilter(plane, **window)[_MARGIN:-_MARGIN]
        variances -= means * means
        self.scaled[number] = plane * (np.sqrt(2) / WINDOW)
        self.means[number] = means * np.sqrt(2)
        levels = (means + scale.zero).astype(np.float32)
        np.multiply(levels, np.float32(np.sqrt(2)), out=self.levels[number])
        squares = np.multiply(levels, levels, out=self.squares[number])
        squares += C1 / 2
        np.maximum(variances, 0, out=self.variances[number], casting="same_kind")
        empty = background / scale.data_range
        similarity = (2 * empty * levels + C1) / (squares + (empty**2 + C1 / 2))
        similarity *= C2_POPULATION / (self.variances[number] + C2_POPULATION)
        np.subtract(1, similarity, out=self.deficits[number])
        self.variances[number] += C2_POPULATION / 2

    def __getitem__(self, planes) -> _Moments:
        """Views of some planes, or of one."""
        means = self.means[planes]
        levels = means if self.levels is self.means else self.levels[planes]
        others = (array[planes] for array in (self.squares, self.variances, self.deficits))
        return _Moments(self.scaled[planes], means, levels, *others)

    def part(self, planes: slice, box: Box) -> _Moments:
        """A copy of some planes' windows, in one piece; columns that are no window's centre get a similarity of 0."""
        columns = slice(box.columns[0], box.columns[1] + LOST)
        rows, pixels = slice(*box.rows), slice(box.rows[0], box.rows[1] + LOST)
        narrow = (self.means, self.squares, self.variances, self.deficits)
        means, *others = (np.ascontiguousarray(array[planes, rows, columns]) for array in narrow)
        levels = means if self.levels is self.means else np.ascontiguousarray(self.levels[planes, rows, columns])
        part = _Moments(np.ascontiguousarray(self.scaled[planes, pixels, columns]), means, levels, *others)
        part.variances[:, :, :_MARGIN] = part.variances[:, :, -_MARGIN:] = np.inf
        return part

    def deficit_sums(self) -> np.ndarray:
        """The sum of each plane's deficits over the windows; float64 (planes,)."""
        return self.deficits[:, :, _MARGIN:-_MARGIN].sum(axis=2).sum(axis=1, dtype=np.float64)


def _dissimilarity_sums(planes: np.ndarray, scale: Scale) -> np.ndarray:
    """Sum over all windows of 1 less the similarity, for each pair; the upper triangle is filled."""
    count, height, width = planes.shape
    sums = np.zeros((count, count))
    background = background_of(planes)
    rows = max(WINDOW, _PIXELS_OF_STRIP // width)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, height - LOST, rows):
            strip = planes[:, start : start + rows + LOST]
            _add_strip(Content.of(strip, background), scale, threads, sums)
    return sums


def _add_strip(content: Content, scale: Scale, threads: ThreadPoolExecutor, sums: np.ndarray) -> None:
    if not content.planes.size:
        return
    count = len(content.planes)
    moments = _Moments.of(content.planes, content.background, scale, threads)
    deficits = moments.deficit_sums()
    sums += deficits[:, np.newaxis] + deficits
    groups = [slice(first, min(first + _PLANES_OF_GROUP, count)) for first in range(0, count, _PLANES_OF_GROUP)]
    hulls = [hull(content.boxes[group]) for group in groups]
    pairs = [(one, other) for other in range(len(groups)) for one in range(other + 1)]
    tasks = [(moments, groups[one], groups[other], hulls[one] & hulls[other], sums) for one, other in pairs]
    list(threads.map(lambda task: _compare_groups(*task), tasks))


def _compare_groups(moments: _Moments, group: slice, later: slice, box: Box, sums: np.ndarray) -> None:
    """Add to `sums` what the windows of a box say of each plane of a group and each later one of another."""
    if not box.area:
        return
    ones, others = moments.part(group, box), moments.part(later, box)
    given = ones.deficit_sums()[:, np.newaxis] + others.deficit_sums()
    at_once = max(1, _PIXELS_AT_ONCE // others.means[0].size)
    # Written into again and again: fresh arrays of this size cost more in page faults than in arithmetic.
    memory = np.empty((4, min(at_once, len(others.scaled)) * others.scaled[0].size), np.float32)
    for start in range(0, len(others.means), at_once):
        # These stay in the caches while the planes of the group pass by.
        some = others[start : start + at_once]
        scratch = _Scratch.in_memory(memory, some.means.shape)
        numbers = slice(later.start + start, later.start + start + len(some.means))
        for one, plane in enumerate(range(group.start, min(group.stop, numbers.stop - 1))):
            similarity = _similarity_sums(ones[one], some, scratch)
            sums[plane, numbers] += box.area - similarity - given[one, start : start + at_once]


@dataclass(frozen=True)
class _Scratch:
    """Arrays for intermediate results, as images that hold several planes below each other where cv2 needs that."""

    products: np.ndarray
    product_image: np.ndarray
    covariances: np.ndarray
    window_sum_image: np.ndarray
    numerators: np.ndarray
    denominators: np.ndarray
    variances: np.ndarray

    @classmethod
    def in_memory(cls, memory: np.ndarray, shape: tuple[int, int, int]) -> _Scratch:
        """Views of four rows of memory, for windows of a shape (planes, rows, columns); variances follow products."""
        count, rows, columns = shape
        height, area = count * (rows + LOST), count * rows * columns
        products, window_sums = (row[: height * columns].reshape(count, rows + LOST, columns) for row in memory[:2])
        images = (array.reshape(height, columns) for array in (products, window_sums))
        product_image, window_sum_image = images
        narrow = (row[:area].reshape(shape) for row in memory[2:])
        numerators, denominators = narrow
        variances = memory[0, :area].reshape(shape)
        covariances = window_sums[:, _MARGIN:-_MARGIN]
        return cls(products, product_image, covariances, window_sum_image, numerators, denominators, variances)


def _similarity_sums(one: _Moments, others: _Moments, scratch: _Scratch) -> np.ndarray:
    """Sum of the similarities of one plane to each of some others."""
    import cv2

    np.multiply(one.scaled, others.scaled, out=scratch.products)
    # The rows that two planes' windows share belong to no window that counts.
    cv2.sepFilter2D(scratch.product_image, -1, _WEIGHTS, _WEIGHTS, dst=scratch.window_sum_image, delta=C2_POPULATION)
    numerators, denominators, covariances = scratch.numerators, scratch.denominators, scratch.covariances
    covariances -= np.multiply(one.means, others.means, out=numerators)
    if others.levels is not others.means:
        np.multiply(one.levels, others.levels, out=numerators)
    numerators += np.float32(C1)
    np.add(one.squares, others.squares, out=denominators)
    denominators *= np.add(one.variances, others.variances, out=scratch.variances)
    numerators /= denominators
    return np.array([float(np.vdot(*pair)) for pair in zip(covariances, numerators, strict=True)])
