"""What was computed before, found again by what it was computed from."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

LIMIT_BYTES = 1 << 30

# A key, its place in the order of use, and what holds an array or a tuple together.
_ENTRY_BYTES = 400

_DIGEST_BYTES = 16


class Memory:
    """Values by keys, up to so many bytes; those that were used least recently go first.

    Predictions say when they begin. What the last one of the same scene used stays then: each goes through all planes
    in the same order, so of values that find no room together, the next one needed would always be the one that has
    just gone.

    A value may depend on nothing but its key: then a prediction that remembers is the same as one from scratch, bit for
    bit. Arrays in a value are made read-only. May be used from several threads.

    Parameters
    ----------
    limit_bytes : of all values together, 0 to remember nothing

    Attributes
    ----------
    size_bytes : of what is kept now
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES):
        self._limit = limit_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, int, int]] = OrderedDict()
        self._turn = 0
        self._scene: Hashable = None
        self._lock = threading.Lock()
        self._images: dict[int, tuple[weakref.ref, bytes]] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def begin(self, scene: Hashable) -> None:
        """A prediction begins: what the last one used may go if that was of another scene, or is not used now."""
        with self._lock:
            self._turn += 1 if scene == self._scene else 2
            self._scene = scene

    def recall(self, key: Hashable) -> Any:
        """The value of a key, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            value, size, _ = self._kept.pop(key)
            self._kept[key] = value, size, self._turn
            return value

    def keep(self, key: Hashable, value: Any, more_bytes: int = 0, *, always: bool = False) -> Any:
        """Keep a value, if there is room that may be made, or in any case, and return it.

        `more_bytes` are those that it holds elsewhere than in arrays, and what dataclasses, mappings and lists hold.
        """
        size = _ENTRY_BYTES + _frozen_bytes(value) + more_bytes
        if size > self._limit:
            return value
        with self._lock:
            self._forget(key)
            while self._kept and self.size_bytes + size > self._limit:
                oldest, (_, _, turn) = next(iter(self._kept.items()))
                if self._turn and turn >= self._turn - 1 and not always:
                    return value
                self._forget(oldest)
            self._kept[key] = value, size, self._turn
            self.size_bytes += size
        return value

    def made(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of a key, made if need be; two threads at once may both make it."""
        value = self.recall(key)
        return self.keep(key, make()) if value is None else value

    def _forget(self, key: Hashable) -> None:
        if key in self._kept:
            self.size_bytes -= self._kept.pop(key)[1]

    def digest_of_image(self, image: np.ndarray) -> bytes:
        """The digest of an array that nobody changes as long as it lives: it is read once (1 GB in a second)."""
        with self._lock:
            self._images = {number: one for number, one in self._images.items() if one[0]() is not None}
            known = self._images.get(id(image))
        if known is None:
            known = weakref.ref(image), digest(image)
            with self._lock:
                self._images[id(image)] = known
        return known[1]


def digest(*parts: Any) -> bytes:
    """What tells arrays (their content), and numbers and texts (as Python writes them), and lists of such apart."""
    found = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    _feed(found, parts)
    return found.digest()


def _feed(found, part: Any) -> None:
    if isinstance(part, np.ndarray):
        found.update(f"{part.dtype.str}{part.shape}".encode())
        if part.size:
            found.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    elif isinstance(part, list | tuple):
        found.update(f"{len(part)}(".encode())
        for one in part:
            _feed(found, one)
    else:
        found.update(repr(part).encode() + b"\0")


def _frozen_bytes(value: Any) -> int:
    """Bytes of all arrays in a value, which are made read-only."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
        return value.nbytes if value.base is None else max(value.nbytes, getattr(value.base, "nbytes", 0))
    if dataclasses.is_dataclass(value):
        return sum(_frozen_bytes(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return sum(map(_frozen_bytes, value.values()))
    return sum(map(_frozen_bytes, value)) if isinstance(value, list | tuple) else 0
