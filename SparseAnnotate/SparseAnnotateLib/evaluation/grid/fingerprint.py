"""What decides a result, as short digests: the files of a case, a method's code, the versions."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...environment import versions

_BLOCK = 1 << 20
# Their rules hold for all methods alike: a change there comes with a new version.
_COMMON_MODULES = (".selectors.base", ".predictors.base")


def digest_of(value: Any) -> str:
    """Of anything that JSON can hold, whatever the order of its names."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest_of_files(paths: Iterable[Path]) -> str:
    """Of the bytes of files, in the order given; of a folder, of all files in it."""
    whole = hashlib.sha256()
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            with open(file, "rb") as stream:
                while block := stream.read(_BLOCK):
                    whole.update(block)
            whole.update(b"|end of file|")
    return whole.hexdigest()[:32]


def code_of(cls: type) -> str:
    """Digest of the source that a method is written in: its module, or package, and those of the classes it extends.

    A researcher who changes a predictor gets its results anew, and only its.
    """
    text = hashlib.sha256()
    for base in cls.__mro__:
        module = sys.modules.get(base.__module__)
        root = base.__module__.partition(".")[0]
        if module is None or root in sys.stdlib_module_names or base.__module__.endswith(_COMMON_MODULES):
            continue
        for file in _sources(module, cls.__module__ == base.__module__):
            text.update(file.read_bytes())
    return text.hexdigest()[:16]


def _sources(module, is_own: bool) -> list[Path]:
    path = Path(getattr(module, "__file__", None) or "")
    if not path.is_file() or path.suffix != ".py":
        return []
    # A method in a package of its own, such as predictors/guided, is all of it; the networks share one.
    own_package = is_own and module.__name__.split(".")[-2:-1] not in (["predictors"], ["networks"], ["selectors"], [])
    return sorted(path.parent.glob("*.py")) if own_package and (path.parent / "__init__.py").exists() else [path]


def decisive_versions() -> dict[str, str]:
    """Of the packages whose version can change a result; Python's own cannot."""
    return {name: version for name, version in versions().items() if name != "python"}
