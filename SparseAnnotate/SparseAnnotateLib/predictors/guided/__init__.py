"""`guided`, the default predictor: it learns from painted planes how to correct interpolations (docs/design/guided.md).

An annotation walks through these files (docs/design/design.md has the page):

- `predictor` is the whole way, `planes` the work on one plane, `gaps` the order of planes.
- What it sees: `images`, `distance_maps`, `flow`, `patches`, `carry`, `trust`; `tools` of the processor, or
  `accelerated`, of a GPU.
- What that says: `priors`, the `network` that has seen many volumes (run by `convolutions`, with as much `belief` as
  left-out planes bear out) and, where there is one, a model of a `cohort`; `pool` joins them.
- What it learns: `training` makes rows by leaving painted planes out, `features` describes pixels, `classifier` has the
  trees, which see them in `bins` and are asked as a `forest`.
- What comes out: `fusion`, `edges`, `decision`, `expected_dice`, put together by `output`.
- Fibres and sheets of up to three pixels: `thin`; those beside large structures: `beside`. Both choose between what is
  predicted and what is `displaced` from plane to plane, as `either` says; what one neighbour only hides is `hidden`.
- What need not be computed again when one more plane was painted: `remembered`; what is shown meanwhile: `sketch`.
- `probabilities`: sums of classes that several of them need; `threads`: the cores.

May be imported here: `cohort`, `quality`, `interpolation`, `distances` and the ground. No other predictor.
"""

from .predictor import Guided

__all__ = ["Guided"]
