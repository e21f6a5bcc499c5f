"""Selectors: which planes to paint next."""

from .base import SELECTORS, Selector, SelectorBase, SelectorOptions, Suggestion

__all__ = ["SELECTORS", "Selector", "SelectorBase", "SelectorOptions", "Suggestion"]
