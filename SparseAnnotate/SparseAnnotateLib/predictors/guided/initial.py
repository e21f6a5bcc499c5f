"""A rough segmentation, corrected as the painted planes say, as one more prior."""

from __future__ import annotations

import numpy as np

from ...annotation import SparseAnnotation
from ...corrections import Corrections
from ...initial import Initial
from ...volume import Volume
from .cohort import CohortPrior
from .probabilities import softmax_of_distances


def initial_prior(
    initial: Initial, volume: Volume, annotation: SparseAnnotation, region: tuple[slice, slice]
) -> CohortPrior:
    """What it says of each plane of the range; of a painted plane what the others make of it."""
    rough = initial.of_classes(annotation.classes)
    corrections = Corrections(rough, annotation, volume.spacing_mm, region)
    first, last = annotation.plane_range
    pixel_mm = float(np.mean(volume.spacing_mm[1:]))
    shape = (annotation.class_count + 1, last - first + 1, *corrections.rough.shape[1:])
    probabilities = np.zeros(shape, np.float16)
    for plane in range(first, last + 1):
        distances = corrections.stack_mm(plane, without=[plane])
        background = -distances.max(axis=0, keepdims=True)
        together = np.concatenate([background, distances]).reshape(len(distances) + 1, -1)
        probabilities[:, plane - first] = softmax_of_distances(together, pixel_mm).reshape(shape[0], *shape[2:])
    labels = {plane: annotation.labels[(plane, *region)] for plane in annotation.source_planes}
    return CohortPrior(probabilities, first, labels)
