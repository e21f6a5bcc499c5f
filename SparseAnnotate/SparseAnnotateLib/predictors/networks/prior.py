"""What a cohort model says of a volume, as the prior of a network that is trained on it."""

from __future__ import annotations

from collections.abc import Iterator

from ...annotation import SparseAnnotation
from ...cohort.applying.starting_point import cohort_probabilities
from ...learning.cohort_prior import CohortPrior
from ...learning.priors import ShapePrior
from ...learning.region import Working
from ...volume import Volume
from ..base import Progress


def cohort_prior(
    path: str, volume: Volume, annotation: SparseAnnotation, working: Working, device: str, border_planes: int
) -> Iterator[Progress | CohortPrior]:
    """A cohort model's probabilities and interpolated outlines; a generator of Progress, whose last item is the prior.

    Raises
    ------
    InputError
        Where the model cannot be read, or is none for such a scan.
    """
    first, last = annotation.plane_range
    planes = slice(max(0, first - border_planes), min(annotation.planes, last + 1 + border_planes))
    probabilities = yield from cohort_probabilities(path, volume, annotation, (planes, *working.box), device)
    shape = ShapePrior(annotation, working, volume.spacing_mm, device)
    yield CohortPrior(shape, probabilities, planes.start, device)
