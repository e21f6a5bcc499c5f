"""Planes at random, the baseline of every comparison."""

from __future__ import annotations

from .base import SELECTORS, SelectorBase, Suggestion


@SELECTORS.register
class RandomSelector(SelectorBase):
    """Uniform over the unpainted planes of the range, without replacement; ascending."""

    name = "random"
    summary = "planes drawn at random inside the range; measured: worse than keep-n"

    def _choose(self, volume, annotation, candidates, count, rng):  # noqa: ARG002
        chosen = sorted(rng.choice(candidates, size=count, replace=False).tolist())
        return [Suggestion(plane, 1.0, "drawn at random") for plane in chosen]
