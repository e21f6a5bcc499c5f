"""The structural similarity of every pair of planes on a GPU."""

from __future__ import annotations

import numpy as np

from .content import C1, C2_POPULATION, LOST, WINDOW, Content, Scale, background_of

# Planes that are compared with one plane at once, by their pixels (64 MB an array).
_PIXELS_AT_ONCE = 2**24


def dissimilarity_sums(planes: np.ndarray, scale: Scale, device: str) -> np.ndarray:
    """Sum over all windows of 1 less the similarity, for each pair; the upper triangle is filled.

    One plane against many later ones at a time; of the background only whole columns are left out.
    """
    import torch
    from torch.nn.functional import avg_pool2d

    content = Content.of(planes, background_of(planes))
    count, height, width = content.planes.shape
    if not width:
        return np.zeros((count, count))
    planes = torch.empty((count, height, width), device=device)
    means, squares, variances = planes.new_empty((3, count, height - LOST, width - LOST))
    for number, plane in enumerate(content.planes):
        values = scale(torch.from_numpy(np.ascontiguousarray(plane)).to(device).double())
        mean = avg_pool2d(values[None], WINDOW, 1)[0]
        variances[number] = avg_pool2d((values * values)[None], WINDOW, 1)[0] - mean**2
        planes[number], means[number], squares[number] = values, mean, (mean + scale.zero) ** 2
    at_once = max(1, _PIXELS_AT_ONCE // (height * width))
    similarities = planes.new_zeros((count, count), dtype=torch.float64)
    for one in range(count - 1):
        for start in range(one + 1, count, at_once):
            others = slice(start, start + at_once)
            covariance = avg_pool2d(planes[one] * planes[others], WINDOW, 1) - means[one] * means[others]
            structure = (2 * covariance + C2_POPULATION) / (variances[one] + variances[others] + C2_POPULATION)
            contrast = (means[one] - means[others]).square_() / (squares[one] + squares[others] + C1)
            similarity = structure * (1 - contrast)
            similarities[one, others] = similarity.sum(dim=(1, 2), dtype=torch.float64)
    return (height - LOST) * (width - LOST) - similarities.cpu().numpy()
