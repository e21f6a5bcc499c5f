"""One plane at a time: an unpainted one to be predicted, or a painted one to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...annotation import SparseAnnotation
from ...cut_ends import planes_beyond_cuts
from ...volume import Volume
from ..memory import Memory
from .belief import borne_out, evidence_of, usual_share
from .carry import Carried, carry
from .cohort import CohortPrior
from .convolutions import Network
from .distance_maps import DistanceMaps
from .features import Rows, Sight, make_rows
from .flow import FINE_BELOW_RADIUS_PIXELS
from .images import structure_region, with_margin
from .network import NetworkPrior
from .pool import default_weights, log_priors, names_of_priors, pooled
from .priors import Bracket, PriorMaker, Priors
from .remembered import Remembered
from .tools import tools_of
from .training import FEW_PLANES, KEPT_ROWS, MIXES, mixes, sampled, sharper_probabilities

# Smoothing of the image by which planes are held to be alike.
LIKENESS_SIGMA = 1


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from, and the true class of each of their pixels.

    `adapts_pool` where they are the priors of a left-out plane between two others as they are.
    """

    rows: Rows
    truth: np.ndarray
    adapts_pool: bool


@dataclass(frozen=True)
class PlaneResult:
    """What one plane gave.

    Attributes
    ----------
    plane : its number
    at_end : beyond the first or last painted plane
    labels : uint8 (rows, columns) of the region by the priors alone; None for a plane that was only learnt from
    rows : the pixels that the classifiers have to decide; None likewise
    steps : plane next to it -> float16 (pixels, 2), the flow to that plane at the pixels of `rows`
    lessons : for the classifiers
    evidence : of a left-out plane, what it says for each share of the network; None where none is asked
    """

    plane: int
    at_end: bool
    labels: np.ndarray | None
    rows: Rows | None
    steps: dict[int, np.ndarray]
    lessons: list[Lesson]
    evidence: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Of what the trees have to decide."""
        return 0 if self.rows is None else self.rows.nbytes + sum(step.nbytes for step in self.steps.values())

    def without_rows(self) -> PlaneResult:
        """What is learnt from it alone."""
        return replace(self, rows=None, steps={})


@dataclass(frozen=True)
class Made:
    """The priors of a plane, and at its uncertain pixels the flow to the planes next to it, float16 (pixels, 2)."""

    priors: Priors
    steps: dict[int, np.ndarray]


class PlaneWorker:
    """What all planes of one volume share, and the work on each; its methods may run in several threads."""

    def __init__(
        self,
        volume: Volume,
        annotation: SparseAnnotation,
        seed: int,
        device: str = "cpu",
        cohort: CohortPrior | None = None,
        memory: Memory | None = None,
        network: Network | None = None,
    ):
        self.region = structure_region(annotation)
        self.sources = annotation.source_planes
        self.labels = {z: np.ascontiguousarray(annotation.labels[(z, *self.region)]) for z in self.sources}
        self._annotation = annotation
        self._class_count = annotation.class_count
        self._spacing_mm = volume.spacing_mm
        self._pixel_mm = float(np.mean(volume.spacing_mm[1:]))
        self._seed = seed
        # The range of all is that of the only one.
        clicked = [1] if self._class_count == 1 else sorted(annotation.class_ranges)
        ends = _class_ends(annotation), clicked, volume.planes, planes_beyond_cuts(annotation)
        self._maps = DistanceMaps(self.labels, self._class_count, volume.spacing_mm[1:], *ends)
        fine = self._is_fine()
        self._images, self._flow, self._search = tools_of(volume, self.region, device, fine, memory)
        self._cohort, self._cohort_weight = cohort, None if cohort is None else cohort.weight
        self._sight = Sight.of(self._class_count, len(self.sources))
        asked, self._network_share = None, None
        if network:
            seen = self._images, self._maps, self.labels, self._flow, self._pixel_mm
            asked = NetworkPrior(network, *seen, annotation.plane_range)
            self._network_share = usual_share(len(self.sources))
        shown = None if asked is None else annotation.plane_range
        # A cohort model, and a rough segmentation, decide which pixels are uncertain.
        setting = None if cohort is not None else (fine, volume.spacing_mm, self._network_share, shown)
        tools = volume.intensities, self.region, device
        self._remembered = Remembered(memory, tools, self._class_count, setting, self.labels, self._maps)
        self._maker = PriorMaker(
            self._images, self._maps, self.labels, self._flow, self._search, volume.spacing_mm[1:], cohort, asked
        )

    def sees(self) -> bytes:
        """What the trees' features depend on but plane and region: two that see the same can use each other's trees."""
        return self._remembered.seen(self._sight, self._cohort is None, self._network_share, self._spacing_mm)

    def painted_on(self) -> np.ndarray:
        """For each class (background counts) the number of painted planes that have it."""
        return np.sum([self._maps.present[plane] for plane in self.sources], axis=0)

    def radius_pixels(self) -> np.ndarray:
        """For each structure the inscribed radius, the median of the painted planes that have it; NaN for none."""
        return self._maps.usual_radii_mm() / self._pixel_mm

    def _is_fine(self) -> bool:
        return bool(np.nanmedian(self.radius_pixels()) < FINE_BELOW_RADIUS_PIXELS)

    def image(self, plane: int) -> np.ndarray:
        """Float32 (rows, columns) of the region, normalised."""
        return self._images.smoothed(plane, 0)

    @property
    def _few_planes(self) -> bool:
        return len(self.sources) <= FEW_PLANES

    @property
    def flow_bytes(self) -> int:
        """Memory of the flow between two planes."""
        return 8 * self._images.shape[0] * self._images.shape[1]

    def steps(self, source: int, targets: Sequence[int]) -> list[np.ndarray]:
        """The flow from each of `targets` to the plane before it; what lies outside the structures is unmoved."""
        labelled = np.logical_or.reduce([self.labels[z] > 0 for z in {source, targets[-1]} & self.labels.keys()])
        return self._flow.steps(source, targets, with_margin(labelled))

    def carry(self, source: int, targets: Sequence[int], steps: Sequence[np.ndarray]) -> dict[int, Carried]:
        """Carry a painted plane over `targets`, which follow it one by one, along their `steps`."""
        remembered = self._remembered

        def recall(plane: int):
            return remembered.recall(remembered.carried_key(source, plane))

        def keep(plane: int, value) -> None:
            remembered.keep(remembered.carried_key(source, plane), value)

        return carry(
            source,
            self.labels[source],
            self._class_count,
            targets,
            self._flow,
            self._search,
            steps,
            recall,
            keep if remembered.is_kept else None,
        )

    def recalled(self, bracket: Bracket) -> PlaneResult | Made | None:
        """What is remembered of a plane that is not painted: then nothing has to be carried to it."""
        found = self._remembered.recall(self._result_key(bracket))
        return self._remembered.recall(self._remembered.priors_key(bracket)) if found is None else found

    def recalled_left_out(self, bracket: Bracket) -> Made | None:
        """What is remembered of a painted plane that is left out."""
        return self._remembered.recall(self._remembered.priors_key(bracket, left_out=True))

    def _result_key(self, bracket: Bracket) -> bytes | None:
        """None for planes painted in part: their lessons depend on how many there are."""
        if self._annotation.painted[bracket.plane]:
            return None
        allowed = self._annotation.allowed_classes(bracket.plane)
        return self._remembered.result_key(bracket, allowed, self._sight)

    def priors(self, bracket: Bracket, below: Carried | None, above: Carried | None, left_out: bool = False) -> Priors:
        """The priors of a plane at its uncertain pixels, from what was carried to it."""
        return self._maker.make(bracket, below, above, left_out)

    def _made(
        self, bracket: Bracket, below: Carried | None, above: Carried | None, recalled: Made | None, left_out: bool
    ) -> Made:
        """The priors of a plane from what was carried to it, or as they are remembered."""
        if recalled is not None:
            return replace(recalled, priors=self._maker.with_cubic(recalled.priors, left_out))
        priors = self.priors(bracket, below, above, left_out)
        sides = [side for side in (below, above) if side is not None]
        steps = {side.neighbour: side.step.reshape(-1, 2)[priors.band].astype(np.float16) for side in sides}
        return self._remembered.keep(self._remembered.priors_key(bracket, left_out), Made(priors, steps))

    def predict(
        self,
        bracket: Bracket,
        below: Carried | None,
        above: Carried | None,
        recalled: PlaneResult | Made | None = None,
    ) -> PlaneResult:
        """The priors of a plane that is not painted, or only in part: then what is known there is a lesson too."""
        if isinstance(recalled, PlaneResult):
            return recalled
        made = self._made(bracket, below, above, recalled, left_out=False)
        return self._remembered.keep(self._result_key(bracket), self._predicted(made))

    def _predicted(self, made: Made) -> PlaneResult:
        priors, bracket = made.priors, made.priors.bracket
        logs, pool = self._pool(priors)
        labels = priors.base.copy()
        labels[~self._annotation.allowed_classes(bracket.plane)[labels]] = 0
        labels.ravel()[priors.band] = pool.argmax(axis=0)
        lessons = []
        if self._annotation.painted[bracket.plane]:
            lessons.append(self._lesson(self._for_learning(priors), 1.0))
        rows = self._rows(priors, logs, pool, 1.0)
        places = np.searchsorted(priors.band, rows.pixels)
        steps = {neighbour: step[places] for neighbour, step in made.steps.items()}
        return PlaneResult(bracket.plane, bracket.at_end, labels, rows, steps, lessons)

    def seen(
        self, maps: np.ndarray, plane: int, neighbour: int, steps: np.ndarray, pixels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a neighbour's `maps` (channels, rows, columns) show at some pixels through the flow there.

        And by how much the image there differs from the plane's own.
        """
        here, there = (self._images.smoothed(z, LIKENESS_SIGMA) for z in (plane, neighbour))
        difference = self._flow.look_up(there[None], steps, pixels)[0] - here.ravel()[pixels]
        return self._flow.look_up(maps, steps, pixels), difference

    def learn(
        self, bracket: Bracket, below: Carried | None, above: Carried | None, recalled: Made | None = None
    ) -> PlaneResult:
        """A painted plane left out: its priors from its painted neighbours, as they are and moved towards the truth."""
        whole = self._made(bracket, below, above, recalled, left_out=True).priors
        priors = self._for_learning(whole)
        truth = self._maps.of_plane(bracket.plane).reshape(self._class_count + 1, -1)[:, priors.band]
        lessons = []
        for share in mixes(bracket.at_end, self._few_planes):
            mixed = priors if share == 1 else priors.mixed(share, truth)
            if share < 1 and self._few_planes:
                sharper = sharper_probabilities(whole, priors, truth, share, self._spacing_mm[1:])
                mixed = replace(mixed, **sharper)
            lessons.append(self._lesson(mixed, share))
        return PlaneResult(bracket.plane, bracket.at_end, None, None, {}, lessons, self._evidence(whole))

    def _evidence(self, left_out: Priors) -> np.ndarray | None:
        """What a left-out plane says for each share of the network."""
        if self._network_share is None:
            return None
        allowed = self._annotation.allowed_classes(left_out.bracket.plane)
        logs, labels = log_priors(left_out, self._pixel_mm), self.labels[left_out.bracket.plane]
        return evidence_of(left_out, logs, labels, allowed, self._cohort_weight)

    def weights_borne_out(self, results: Sequence[PlaneResult]) -> tuple[np.ndarray, np.ndarray]:
        """The weights of the priors in the pool between painted planes and beyond their ends, by left-out planes."""
        share = self._network_share
        if share is not None:
            share = borne_out([one.evidence for one in results if one.evidence is not None], share)
        return tuple(default_weights(at_end, share, self._cohort_weight) for at_end in (False, True))

    def _for_learning(self, priors: Priors) -> Priors:
        """A sample of the pixels whose label is known."""
        plane = priors.bracket.plane
        known = priors.at(np.flatnonzero(self._annotation.known[(plane, *self.region)].ravel()[priors.band]))
        quota = max(200, KEPT_ROWS // (len(MIXES) * len(self.sources)))
        return known.at(sampled(known, quota, np.random.default_rng([self._seed, plane])))

    def _lesson(self, priors: Priors, share: float) -> Lesson:
        rows = self._rows(priors, *self._pool(priors), share)
        truth = self._annotation.labels[(priors.bracket.plane, *self.region)].ravel()[rows.pixels]
        return Lesson(rows, truth, share == 1 and not priors.bracket.at_end)

    def _rows(self, priors: Priors, logs: np.ndarray, pool: np.ndarray, share: float) -> Rows:
        allowed = self._annotation.allowed_classes(priors.bracket.plane)
        distance_unit_mm = share * self._spacing_mm[0]
        return make_rows(priors, logs, pool, self._images, self._sight, distance_unit_mm, allowed)

    @property
    def prior_names(self) -> tuple[str, ...]:
        """Of those in the pool, in the order of its weights."""
        return names_of_priors(self._network_share is not None, self._cohort is not None)

    def default_weights(self, at_end: bool) -> np.ndarray:
        """The weights of the priors in the pool, before left-out planes are looked at."""
        return default_weights(at_end, self._network_share, self._cohort_weight)

    def _pool(self, priors: Priors) -> tuple[np.ndarray, np.ndarray]:
        """Log priors, and their pool with the default weights."""
        logs = log_priors(priors, self._pixel_mm)
        allowed = self._annotation.allowed_classes(priors.bracket.plane)
        return logs, pooled(logs, self.default_weights(priors.bracket.at_end), allowed)


def _class_ends(annotation: SparseAnnotation) -> dict[int, tuple[int, int]]:
    """Class number -> the last plane before it and the first one after it, as far as the expert said."""
    ranges = {n: annotation.class_ranges.get(n, annotation.plane_range) for n in range(1, annotation.class_count + 1)}
    return {number: (first - 1, last + 1) for number, (first, last) in ranges.items()}
