"""The predictor: the steps of docs/design/guided.md in their order."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from ...annotation import SparseAnnotation
from ...cohort.model import check_model
from ...device import resolve_device
from ...volume import Volume
from ..base import PREDICTORS, Prediction, PredictorBase, PredictorOptions, Progress
from ..memory import Memory
from .beside import predicted_beside
from .classifier import Corrector
from .cohort import CohortPrior, cohort_prior
from .convolutions import shipped_network
from .gaps import Gap, gaps_of, in_order, walk
from .images import structure_region
from .network import may_help
from .output import Output
from .planes import PlaneResult, PlaneWorker
from .pool import adapted_weights
from .sketch import Sketch, nearest_first, planes_in_view
from .thin import predicted_thin, thin_among, thin_structures
from .threads import blas_threads, imported_beside_work, mapped, opencv_threads, worker_count

# Shares of the time that the stages take, measured on two cores.
_PRIORS_END, _LEARNING_END, _CORRECTING_END = 0.7, 0.85, 0.97

# What the trees have to decide is kept until they are there, up to this much; planes beyond are gone through again.
ROWS_BYTES = 2 << 30

# Contested pixels that the trees decide in one call: a few calls for each thread, and none of them short.
FEWEST_PIXELS_AT_ONCE, MOST_PIXELS_AT_ONCE = 10_000, 60_000
CALLS_A_THREAD = 4


# Of the whole, where there is a cohort model.
_COHORT_END = 0.2


@dataclass(frozen=True, kw_only=True)
class GuidedOptions(PredictorOptions):
    """Options of `guided`.

    Attributes
    ----------
    start_from : a cohort model (``sparse-annotate cohort train``) whose probabilities become one more prior, weighed by
        how well they fit the painted planes
    prior_network : whether a network that has seen many made-up volumes is one more prior, with up to 5 painted planes
        and 4 structures; it helps in the mean, and not always (docs/measurements/network_prior.md)
    """

    start_from: str | None = None
    prior_network: bool = False

    def check_files(self) -> None:
        """See `Options`."""
        check_model(self.start_from)


@PREDICTORS.register
class Guided(PredictorBase):
    """Learns, from the painted planes, how to correct image-guided interpolation.

    Priors for every plane (interpolated distance maps, the same along the optical flow, labels fused by image patches)
    are pooled; trees, trained on this volume's own painted planes with each of them left out, correct the pool.
    """

    name = "guided"
    uses = ("cv2", "scipy.optimize", "sklearn.ensemble")
    # Its mean with `shape`, which gained .0002 and was given up; scenes may still ask for it.
    aliases = ("auto",)
    summary = "Interpolates along the image, and learns from the painted planes how to correct that. The default."
    Options = GuidedOptions

    def __init__(self, options: GuidedOptions | None = None, memory: Memory | None = None, in_view: int | None = None):
        super().__init__(options)
        self.memory = memory
        self.in_view = in_view

    def with_options(self, options: GuidedOptions) -> Guided:
        """See `PredictorBase`."""
        return Guided(options, self.memory, self.in_view)

    def remembering(self, memory: Memory | None, in_view: int | None = None) -> Guided:
        """The same, recalling from `memory` what an unchanged image and unchanged painted planes gave before.

        The plane `in_view` and those around it come first: sketched by what the memory holds of the last prediction,
        and, as the decision needs all planes, decided when those are there.
        """
        return Guided(self.options, memory, in_view)

    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Iterator[Progress | Prediction]:
        thin = thin_structures(annotation) if annotation.unpainted_planes else {}
        among = thin_among(annotation) if annotation.unpainted_planes else {}
        if not among:
            yield from self._learned(volume, annotation, self.options.prior_network)
        elif not thin:
            yield from predicted_beside(self._learned, volume, annotation, list(among))
        else:
            for step in predicted_thin(self._learned, volume, annotation, thin):
                done = isinstance(step, Prediction) and not self.options.keep_probabilities
                yield replace(step, probabilities=None) if done else step

    def _learned(
        self, volume: Volume, annotation: SparseAnnotation, prior_network: bool = False
    ) -> Iterator[Progress | Prediction]:
        """Every structure that is painted, all of them together; where some are thin, without the network."""
        if not annotation.labels[annotation.source_planes].any():
            yield Prediction(np.zeros(volume.shape, np.uint8))
            return
        yield Progress("comparing planes", 0.0)
        device = resolve_device(self.options.device)
        cohort = yield from self._cohort(volume, annotation, device)
        network = shipped_network() if prior_network and may_help(annotation) else None
        worker = PlaneWorker(volume, annotation, self.options.seed, device, cohort, self.memory, network)
        gaps = gaps_of(worker.sources, annotation.plane_range)
        unpainted = set(range(annotation.plane_range[0], annotation.plane_range[1] + 1)) - set(worker.sources)
        near = planes_in_view(gaps, self.in_view, unpainted)
        sketch = Sketch(volume, annotation, worker, self.memory, near)
        # Those with lessons, and those to be sketched, are needed before the trees are there.
        needed = unpainted & {*annotation.painted_planes, *sketch.planes}
        with opencv_threads(1), blas_threads(1), _cancelled_at_exit(ThreadPoolExecutor(worker_count())) as executor:
            # Two seconds, the first time, that the comparing of planes covers.
            executor.submit(imported_beside_work, "sklearn.ensemble")
            results = yield from self._compared(worker, gaps, executor, unpainted, needed, sketch)
            lessons = [lesson for result in results for lesson in result.lessons]
            inside, beyond = worker.weights_borne_out(results)
            planes = [result for result in results if result.rows is not None]
            again = unpainted - {plane.plane for plane in planes}
            del results
            yield Progress("learning from the painted planes", _PRIORS_END)
            rng = np.random.default_rng(self.options.seed)
            samples = [(lesson.rows.logs, lesson.truth) for lesson in lessons if lesson.adapts_pool]
            adapting = executor.submit(adapted_weights, samples, rng, inside)
            corrector = Corrector(annotation.class_count, self.options.seed, worker.painted_on())
            for share in corrector.fit(lessons, executor):
                yield Progress("learning from the painted planes", _PRIORS_END + share * (_LEARNING_END - _PRIORS_END))
            output = Output(volume, annotation, worker, adapting.result(), beyond, self.options.keep_probabilities)
            batched = batches(_released(planes), pixels_at_once(planes))
            del planes
            if again:
                once_more = walk(worker, gaps, executor, again, learning=False)
                batched = itertools.chain(batched, batches(once_more, MOST_PIXELS_AT_ONCE))

            def correct(batch: list[PlaneResult]):
                return zip(batch, corrector.predict([plane.rows for plane in batch]), strict=True)

            for done, (plane, trees) in enumerate(itertools.chain.from_iterable(mapped(executor, correct, batched))):
                output.add(plane, trees)
                share = _LEARNING_END + (_CORRECTING_END - _LEARNING_END) * done / len(unpainted)
                yield Progress("correcting planes", share, f"plane {plane.plane}")
            for done, (plane, labels) in enumerate(output.decide(executor.map, near)):
                share = _CORRECTING_END + (1 - _CORRECTING_END) * done / len(unpainted)
                shown = (plane, labels) if plane in near or self.in_view is None else None
                yield Progress("deciding", share, f"plane {plane}", preview=shown)
            sketch.keep(corrector, output)
        yield output.prediction()

    def _compared(
        self,
        worker: PlaneWorker,
        gaps: list[Gap],
        executor: Executor,
        planes: Collection[int],
        needed: Collection[int],
        sketch: Sketch,
    ) -> Iterator[Progress]:
        """Progress, while priors are made and planes left out; returns what each plane gave, in their order.

        Once there is no more room to keep it, only the planes that are `needed` are gone on with, and only what is
        learnt from them is kept.
        """
        results: list[PlaneResult] = []
        wanted, room = set(planes), ROWS_BYTES
        count = len(planes) + len(worker.sources)
        for done, result in enumerate(walk(worker, nearest_first(gaps, self.in_view), executor, wanted, learning=True)):
            room -= result.nbytes
            if room < 0:
                wanted &= set(needed)
            results.append(result if room >= 0 else result.without_rows())
            progress = Progress("comparing planes", _PRIORS_END * min(1.0, done / count), f"plane {result.plane}")
            yield progress
            for shown in sketch.with_plane(result):
                yield replace(progress, preview=shown)
        return in_order(results, gaps)

    def _cohort(self, volume: Volume, annotation: SparseAnnotation, device: str) -> Iterator[Progress]:
        """Progress, while a cohort model is applied; returns the prior that it makes, or None."""
        # Thin structures are predicted on magnified planes, on which there is none.
        if self.options.start_from is None:
            return None
        steps = cohort_prior(self.options.start_from, volume, annotation, structure_region(annotation), device)
        with contextlib.closing(steps):
            for step in steps:
                if isinstance(step, CohortPrior):
                    return step
                yield replace(step, fraction=_COHORT_END * step.fraction)
        raise RuntimeError("the cohort model ended without a prior")


def _released(planes: list[PlaneResult]) -> Iterator[PlaneResult]:
    """One after the other, none of them kept."""
    planes.reverse()
    while planes:
        yield planes.pop()


def pixels_at_once(planes: Sequence[PlaneResult]) -> int:
    """Of all contested pixels, how many the trees are to decide in one call."""
    contested = sum(len(plane.rows.pixels) for plane in planes)
    return min(max(contested // (CALLS_A_THREAD * worker_count()), FEWEST_PIXELS_AT_ONCE), MOST_PIXELS_AT_ONCE)


def batches(planes: Iterable[PlaneResult], pixels: int) -> Iterator[list[PlaneResult]]:
    """Planes taken together until they have enough to decide."""
    batch: list[PlaneResult] = []
    for plane in planes:
        batch.append(plane)
        if sum(len(each.rows.pixels) for each in batch) >= pixels:
            yield batch
            batch = []
    if batch:
        yield batch


@contextlib.contextmanager
def _cancelled_at_exit(executor: ThreadPoolExecutor):
    """Leaving, also because nobody wants the rest any more, drops what has not begun."""
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
