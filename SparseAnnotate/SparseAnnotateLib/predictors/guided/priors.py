"""Step 3: what a plane should look like, said by several priors that are wrong in different ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .carry import Carried, one_hot
from .distance_maps import DistanceMaps, Vanishing, interpolated, label_distances, shrink
from .flow import AdjacentFlow
from .images import Images
from .patches import PatchSearch, most_probable
from .probabilities import largest_two, softened
from .trust import RESIDUAL_SIGMA, trust_below

if TYPE_CHECKING:
    from .cohort import CohortPrior

# A pixel is certain where patches, propagation and distances agree, the border is this far away and the former two are
# this sure. (6 instead of 3 pixels decided nothing better, and took twice the time.)
REACH_PIXELS = 3.0
BAND_PROBABILITY = 0.98

# A cohort model may see a structure where no painted plane shows it, but not as far from all of them as this.
COHORT_REACH_PIXELS = 12.0

DISTANCES = ("linear", "cubic", "chain")
PROBABILITIES = ("patch", "propagated")

# Those that are not always there, in this order: the network that has seen many volumes, and a cohort model.
MORE_PRIORS = ("network", "cohort")


@dataclass(frozen=True)
class Bracket:
    """A plane and the painted planes next to it; None beyond the last one."""

    plane: int
    below: int | None
    above: int | None

    @property
    def at_end(self) -> bool:
        return self.below is None or self.above is None

    @property
    def sides(self) -> tuple[int, int]:
        """The painted planes below and above; the only one twice at an end."""
        below = self.above if self.below is None else self.below
        return below, (self.below if self.above is None else self.above)

    @property
    def share(self) -> float:
        """0 at the plane below, 1 at the plane above."""
        return (self.plane - self.below) / (self.above - self.below)

    @property
    def gap_planes(self) -> tuple[int, int]:
        """Planes to the nearer and to the farther side."""
        near, far = sorted(abs(self.plane - side) for side in self.sides)
        return near, far


@dataclass(frozen=True)
class Priors:
    """The priors of one plane at its uncertain pixels.

    Attributes
    ----------
    bracket : the plane and its painted neighbours
    band : flat indices of the uncertain pixels
    base : uint8 (rows, columns), the labels elsewhere
    linear, cubic, chain : float32 (classes + 1, pixels), signed distances in mm
    chain_below, chain_above : the same of the single sides
    patch, propagated : float32 (classes + 1, pixels), probabilities
    residual_below, residual_above : float32 (pixels,), image minus the warped image of each side
    network : float32 (classes + 1, pixels), probabilities of the network that has seen many volumes, where it is asked
    cohort : the same of a cohort model, where there is one
    """

    bracket: Bracket
    band: np.ndarray
    base: np.ndarray
    linear: np.ndarray
    cubic: np.ndarray
    chain: np.ndarray
    chain_below: np.ndarray
    chain_above: np.ndarray
    patch: np.ndarray
    propagated: np.ndarray
    residual_below: np.ndarray
    residual_above: np.ndarray
    network: np.ndarray | None = None
    cohort: np.ndarray | None = None

    def mixed(self, share: float, true_distances: np.ndarray) -> Priors:
        """Distances moved towards the true ones (classes + 1, pixels): `share` of the prior remains."""
        names = ("linear", "cubic", "chain", "chain_below", "chain_above")
        return replace(self, **{n: share * getattr(self, n) + (1 - share) * true_distances for n in names})

    def at(self, chosen: np.ndarray) -> Priors:
        """The same at some of the pixels."""
        arrays = {n: getattr(self, n)[..., chosen] for n in (*DISTANCES, *PROBABILITIES, "chain_below", "chain_above")}
        arrays |= {n: getattr(self, n)[chosen] for n in ("band", "residual_below", "residual_above")}
        arrays |= {name: prior[:, chosen] for name, prior in self.more.items()}
        return replace(self, **arrays)

    @property
    def more(self) -> dict[str, np.ndarray]:
        """Those of `MORE_PRIORS` that are there."""
        return {name: prior for name in MORE_PRIORS if (prior := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Sides:
    """What the painted planes on both sides say of a plane; the only side twice beyond the ends.

    Attributes
    ----------
    bracket : the plane and the painted ones next to it
    sources : the painted planes
    flows : from the plane to each of them, float32 (rows, columns, 2)
    carried : labels carried from each of them, probabilities (classes + 1, rows, columns)
    cap_mm : how far each class has shrunk beyond the last painted plane, and None between two
    """

    bracket: Bracket
    sources: tuple[int, int]
    flows: Sequence[np.ndarray]
    carried: Sequence[np.ndarray]
    cap_mm: np.ndarray | None


class OneMorePrior(Protocol):
    """What looks at a plane once the other priors are there."""

    def of(self, sides: Sides, priors: Priors, linear: np.ndarray, patch: np.ndarray) -> np.ndarray:
        """Probabilities (classes + 1, pixels of the band); `linear` and `patch` are those priors of the whole plane."""


class PriorMaker:
    """Makes the priors of a plane from its painted neighbours and what was carried to it from them."""

    def __init__(
        self,
        images: Images,
        maps: DistanceMaps,
        labels: dict[int, np.ndarray],
        flow: AdjacentFlow,
        search: PatchSearch,
        spacing_mm: tuple[float, float],
        cohort: CohortPrior | None = None,
        network: OneMorePrior | None = None,
    ):
        self._images = images
        self._maps = maps
        self._flow = flow
        self._search = search
        self._spacing_mm = spacing_mm
        self._pixel_mm = float(np.mean(spacing_mm))
        self._labels = labels
        self._class_count = maps.class_count
        self._cohort = cohort
        self._network = network

    def make(self, bracket: Bracket, below: Carried | None, above: Carried | None, left_out: bool = False) -> Priors:
        """The priors of a plane; `left_out` says that it is painted itself and must not be used."""
        linear = self._linear(bracket)
        patch = self._patch(bracket)
        carried = (above or below, below or above) if bracket.at_end else (below, above)
        residuals = [self._residual(bracket.plane, side) for side in carried]
        trust = None if bracket.at_end else trust_below(bracket.share, *residuals)
        received = [side.probabilities() for side in carried]
        propagated = self._blend(trust, *received)
        if bracket.at_end:
            patch, propagated = (self._capped(p, bracket) for p in (patch, propagated))
            received = [propagated, propagated]
        cohort = None if self._cohort is None else self._cohort.of(bracket.plane)
        base = most_probable(linear)
        band = np.flatnonzero(_uncertain(base, linear, patch, propagated, self._pixel_mm, cohort))
        chains = [self._flow.warp_at(self._maps.of_plane(side.source), side.flow, band) for side in carried]
        cap_mm = self._maps.cap_mm(bracket.plane, carried[0].source) if bracket.at_end else None
        if cap_mm is not None:
            chain = shrink(chains[0], cap_mm)
        else:
            chain = interpolated(*chains, 1 - trust.ravel()[band], self._vanishing(bracket))
        at_band = [array.reshape(len(array), -1)[:, band] for array in (linear, patch, propagated)]
        priors = Priors(
            bracket=bracket,
            band=band,
            base=base,
            linear=at_band[0],
            cubic=self._cubic(bracket, at_band[0], band, left_out),
            chain=chain,
            chain_below=chains[0],
            chain_above=chains[1],
            patch=at_band[1],
            propagated=at_band[2],
            residual_below=residuals[0].ravel()[band],
            residual_above=residuals[1].ravel()[band],
            cohort=None if cohort is None else cohort.reshape(len(cohort), -1)[:, band],
        )
        if self._network is None:
            return priors
        flows = [side.flow for side in carried]
        sides = Sides(bracket, tuple(side.source for side in carried), flows, received, cap_mm)
        return replace(priors, network=self._network.of(sides, priors, linear, patch))

    def with_cubic(self, priors: Priors, left_out: bool = False) -> Priors:
        """The same, the cubic one made anew: it alone depends on painted planes beyond those next to the plane."""
        return replace(priors, cubic=self._cubic(priors.bracket, priors.linear, priors.band, left_out))

    def _linear(self, bracket: Bracket) -> np.ndarray:
        below, above = bracket.sides
        if bracket.at_end:
            return shrink(self._maps.of_plane(below), self._maps.cap_mm(bracket.plane, below))
        return interpolated(
            self._maps.of_plane(below), self._maps.of_plane(above), np.float32(bracket.share), self._vanishing(bracket)
        )

    def _vanishing(self, bracket: Bracket) -> list[Vanishing]:
        return self._maps.vanishing(bracket.plane, bracket.below, bracket.above)

    def _cubic(self, bracket: Bracket, linear: np.ndarray, band: np.ndarray, left_out: bool) -> np.ndarray:
        if bracket.at_end:
            return linear
        weights = self._maps.cardinal_weights(bracket.plane, bracket.plane if left_out else None)
        cubic = sum(
            np.float32(w) * self._maps.of_plane(z).reshape(len(linear), -1)[:, band] for z, w in weights.items()
        )
        present = self._maps.present[bracket.below] & self._maps.present[bracket.above]
        cubic[~present] = linear[~present]
        return cubic

    def _patch(self, bracket: Bracket) -> np.ndarray:
        sources = [(z, one_hot(self._labels[z], self._class_count)) for z in dict.fromkeys(bracket.sides)]
        shares = [1.0] if bracket.at_end else [1 - bracket.share, bracket.share]
        return self._search.fuse(
            bracket.plane, [(*source, share) for source, share in zip(sources, shares, strict=True)]
        )

    def _capped(self, probabilities: np.ndarray, bracket: Bracket) -> np.ndarray:
        """Patches copy what they find: beyond the ends their structures shrink as the distance maps do."""
        distances = label_distances(most_probable(probabilities), self._class_count, self._spacing_mm)
        distances = shrink(distances, self._maps.cap_mm(bracket.plane, bracket.sides[0]))
        return softened(distances, probabilities.max(axis=0), self._pixel_mm)

    def _residual(self, plane: int, side: Carried) -> np.ndarray:
        source = self._images.smoothed(side.source, RESIDUAL_SIGMA)
        return self._images.smoothed(plane, RESIDUAL_SIGMA) - self._flow.warp(source, side.flow)

    @staticmethod
    def _blend(weight_below, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        return below if weight_below is None else above + weight_below * (below - above)


def _uncertain(
    base: np.ndarray,
    linear: np.ndarray,
    patch: np.ndarray,
    propagated: np.ndarray,
    pixel_mm: float,
    cohort: np.ndarray | None,
) -> np.ndarray:
    highest, second = largest_two(linear)
    certain = highest - second >= 2 * REACH_PIXELS * pixel_mm
    for probabilities in (patch, propagated):
        certain &= (most_probable(probabilities) == base) & (probabilities.max(axis=0) >= BAND_PROBABILITY)
    if cohort is not None:
        far = highest - second >= 2 * COHORT_REACH_PIXELS * pixel_mm
        certain &= far | (most_probable(cohort) == base)
    return ~certain
