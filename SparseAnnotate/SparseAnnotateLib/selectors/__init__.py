"""Selectors: which planes to paint next. One file, or one package, a selector.

`base` is what every selector is; each writes `_choose`. `clustering` is shared by those that draw from clusters of
planes (Payer 2023): `lpips_matrix` compares planes for `perceptual`, `ssim/` for itself. `_active` is shared by those
that look at a prediction first. `cover/` is the default: planes that serve every structure over its own range.
`correcting` suggests planes of a segmentation that a program made, and is no selector: it needs that one.

May be imported here: `predictors` (active selectors run one) and what is below. A new file that registers a class is
found by its name: CONTRIBUTING.md shows one.
"""

from .base import SELECTORS, Selector, SelectorBase, SelectorOptions, Suggestion

__all__ = ["SELECTORS", "Selector", "SelectorBase", "SelectorOptions", "Suggestion"]
