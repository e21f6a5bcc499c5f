"""What a prediction recalls of the ones before, when planes were painted, erased or ranges changed meanwhile.

Each key holds everything that its value was computed from, so that what is recalled is what would be computed. What
depends on all painted planes (the trees, the pool's weights, the decision) has no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..memory import Memory, digest
from .distance_maps import DistanceMaps
from .priors import Bracket

Region = tuple[slice, slice]


class Remembered:
    """The keys of one volume, region and set of structures.

    Parameters
    ----------
    memory : where values are kept, or None
    tools : the whole image, the region, and the device: what patches are compared on
    setting : whatever else the priors of planes depend on; None where they cannot be recalled
    labels, maps : the painted planes
    """

    def __init__(
        self,
        memory: Memory | None,
        tools: tuple[np.ndarray, Region, str],
        class_count: int,
        setting: tuple | None,
        labels: Mapping[int, np.ndarray],
        maps: DistanceMaps,
    ):
        self._memory = memory
        self._maps = maps
        self._can_recall = memory is not None and setting is not None
        if memory is not None:
            image, region, device = tools
            place = [(one.start, one.stop) for one in region]
            self._anywhere = memory.digest_of_image(image), device, class_count
            self._seen = digest(*self._anywhere, place)
            self._scene = digest(self._seen, setting)
            memory.begin(self._seen)
            self._labels = {plane: digest(own) for plane, own in labels.items()}

    @property
    def is_kept(self) -> bool:
        """Whether anything is."""
        return self._memory is not None

    def seen(self, *more: Any) -> bytes:
        """The image, the device, the number of structures, and `more`; not the region."""
        return digest(*self._anywhere, *more) if self.is_kept else b""

    def carried_key(self, source: int, plane: int) -> bytes | None:
        """Of the labels that one plane receives from a painted one."""
        return digest("carried", self._seen, self._labels[source], source, plane) if self.is_kept else None

    def priors_key(self, bracket: Bracket, left_out: bool = False) -> bytes | None:
        """Of all priors of a plane but the cubic one.

        The flow is looked for around the structures of both ends of a gap: a plane that is left out is one.
        """
        if not self._can_recall:
            return None
        maps, (below, above) = self._maps, bracket.sides
        sides = [(self._labels[side], maps.radii_mm(side)) for side in (below, above)]
        own = self._labels[bracket.plane] if left_out else None
        if bracket.at_end:
            goes_on = maps.cap_mm(bracket.plane, below).tolist()
        else:
            goes_on = maps.vanishing(bracket.plane, below, above)
        return digest("priors", self._scene, bracket, sides, own, goes_on)

    def result_key(self, bracket: Bracket, *more: Any) -> bytes | None:
        """Of what a plane that is not painted gives; `more` is what tells it apart but its priors."""
        priors = self.priors_key(bracket)
        if priors is None:
            return None
        knots = None
        if not bracket.at_end:
            weights = self._maps.cardinal_weights(bracket.plane)
            knots = [(weight, self._labels[knot], self._maps.radii_mm(knot)) for knot, weight in weights.items()]
        return digest("result", priors, knots, *more)

    def recall(self, key: bytes | None) -> Any:
        """What was kept under a key; None where nothing was, or there is no key."""
        return None if key is None else self._memory.recall(key)

    def keep(self, key: bytes | None, value: Any) -> Any:
        """Keep a value where there is a key, and return it."""
        return value if key is None else self._memory.keep(key, value)
