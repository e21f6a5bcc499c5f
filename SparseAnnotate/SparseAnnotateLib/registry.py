"""Names to classes: a new selector or predictor is one new file in its folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from .errors import InputError


class Registered(Protocol):
    """What a class needs to be registered: a name, and options that it is made of."""

    name: ClassVar[str]
    Options: ClassVar[Any]

    def __init__(self, options: Any = None): ...


Kind = TypeVar("Kind", bound=Registered)
One = TypeVar("One", bound=Registered)


class Registry(Generic[Kind]):
    """The classes of one kind, found by importing every module of a package at first use.

    Parameters
    ----------
    package : dotted name of the package
    kind : what its classes are called in messages, for instance "selector"
    """

    def __init__(self, package: str, kind: str):
        self._package = package
        self._kind = kind
        self._classes: dict[str, type[Kind]] = {}
        self._aliases: dict[str, str] = {}
        self._discovered = False

    def register(self, cls: type[One]) -> type[One]:
        """Class decorator: make `cls` known under its ``name``, and found under its ``aliases``, where it has some."""
        if cls.name in self._classes and self._classes[cls.name].__qualname__ != cls.__qualname__:
            raise ValueError(f"two {self._kind}s are named {cls.name!r}")
        self._classes[cls.name] = cast("type[Kind]", cls)
        self._aliases |= dict.fromkeys(getattr(cls, "aliases", ()), cls.name)
        return cls

    def names(self) -> list[str]:
        """All names, in alphabetical order."""
        self._discover()
        return sorted(self._classes)

    def former_names(self) -> list[str]:
        """Names under which some of them are still found."""
        self._discover()
        return sorted(self._aliases)

    def get(self, name: str) -> type[Kind]:
        """The class of that name, or of what that name was changed to.

        Raises
        ------
        InputError
            Naming those that exist, for an unknown name.
        """
        self._discover()
        name = self._aliases.get(name, name)
        if name not in self._classes:
            raise InputError(f"there is no {self._kind} {name!r}: choose among {', '.join(self.names())}")
        return self._classes[name]

    def create(self, name: str, options: Mapping[str, Any] | None = None) -> Kind:
        """An instance of that name; `options` by name, values as text or as themselves."""
        cls = self.get(name)
        return cls(cls.Options.from_dict(options or {}))

    def _discover(self) -> None:
        if self._discovered:
            return
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")
        self._discovered = True
