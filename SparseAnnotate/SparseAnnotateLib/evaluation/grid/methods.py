"""A selector or predictor with its options, as one entry of the grid."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...predictors import PREDICTORS
from ...selectors import SELECTORS

# The baseline of Payer 2023 that sees all planes; see baseline.py.
FULL = "full"
# Every structure on evenly spaced planes of its own, as many as the fraction gives for all together.
OWN_PLANES = "own-planes"
_REGISTRIES = {"selector": SELECTORS, "predictor": PREDICTORS}


@dataclasses.dataclass(frozen=True)
class Method:
    """A name and the options that differ from the defaults.

    Attributes
    ----------
    kind : {"selector", "predictor"}
    options : (name, value) pairs, ordered by name
    """

    kind: str
    name: str
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, kind: str, text: str, common: Mapping[str, Any] | None = None) -> Method:
        """From ``unet:steps=200,prior=none``; `common` options are taken where the class has them and it sets others.

        Raises
        ------
        InputError
            For an unknown name or option.
        """
        name, _, rest = text.partition(":")
        if kind == "selector" and name in (FULL, OWN_PLANES):
            return cls(kind, name)
        given = {}
        # A comma inside a value, of a tuple, is followed by no name.
        for part in filter(None, re.split(r",(?=\s*\w+\s*=)", rest)):
            option, equals, value = part.partition("=")
            if not equals:
                raise InputError(f"{part!r} of {text} sets nothing: write {name}:option=value,option=value")
            given[option.strip()] = value.strip()
        options_class = _REGISTRIES[kind].get(name).Options
        names = {field.name for field in dataclasses.fields(options_class)}
        usable = {option: value for option, value in (common or {}).items() if option in names and value is not None}
        values = options_class.from_dict({**usable, **given}).to_dict()
        defaults = options_class().to_dict()
        return cls(kind, name, tuple(sorted((k, v) for k, v in values.items() if v != defaults[k] or k in given)))

    @property
    def label(self) -> str:
        """How it is called in tables: its name, with the options that were given."""
        shown = [f"{name}={value}" for name, value in self.options if name not in ("weights", "device")]
        return f"{self.name}:{','.join(shown)}" if shown else self.name

    @property
    def method_class(self) -> type | None:
        """The class of that name; None for the baseline, and for planes that no selector chooses."""
        return None if self.name in (FULL, OWN_PLANES) else _REGISTRIES[self.kind].get(self.name)

    def create(self, seed: int = 0):
        """An instance; predictors get the seed, unless the options hold one."""
        options = dict(self.options)
        if self.kind == "predictor":
            options.setdefault("seed", seed)
        return _REGISTRIES[self.kind].create(self.name, options)

    def may_use_gpu(self) -> bool:
        """Whether it computes on a GPU where its option `device` finds one."""
        cls = self.method_class
        if cls is None or not any(field.name == "device" for field in dataclasses.fields(cls.Options)):
            return False
        # Every predictor has the option; it means something to those that need torch.
        return self.kind == "selector" or "torch" in cls.needs
