"""A block of consecutive planes."""

from __future__ import annotations

from .base import SELECTORS, SelectorBase, Suggestion


@SELECTORS.register
class BlockSelector(SelectorBase):
    """Consecutive planes around a random one (Specktor-Fadida et al. 2023), ascending.

    The centre is drawn uniformly from the unpainted planes of the range. Where the block would leave the range it is
    moved inwards, and planes that are painted already are stepped over, so that it always has the asked size.
    """

    name = "block"
    summary = "neighbouring planes around one drawn at random"

    def _choose(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        centre = int(rng.integers(len(candidates)))
        start = min(max(centre - count // 2, 0), len(candidates) - count)
        reason = f"one of {count} neighbouring planes" if count > 1 else "drawn at random"
        return [Suggestion(plane, 1.0, reason) for plane in candidates[start : start + count].tolist()]
