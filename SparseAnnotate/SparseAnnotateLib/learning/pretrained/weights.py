"""Pretrained weights: where they are looked for, how they get there, what is kept and how to remove it.

They are looked for in this order: the path that the user gave (``--weights PATH``), the path in the environment
variable SPARSEANNOTATE_WEIGHTS, the cache on this computer, a download into that cache. A path names a file, or a
folder that holds one under its usual name. Nobody ever gets random weights instead.

The caches are those that torch and Hugging Face share with other programs: what is there is not downloaded again.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError, require
from .sources import ALEXNET, HubWeights, TorchWeights, WeightsSource, encoder_weights

__all__ = [
    "ALEXNET",
    "CachedWeights",
    "HubWeights",
    "TorchWeights",
    "WeightsSource",
    "cached",
    "check_there",
    "clear",
    "encoder_weights",
    "load",
    "locate",
]

ENVIRONMENT_VARIABLE = "SPARSEANNOTATE_WEIGHTS"

logger = logging.getLogger(__name__)


def locate(source: WeightsSource, given: str | Path | None = None) -> Path | None:
    """The file on this computer that holds the weights; None where they would have to be downloaded.

    Raises
    ------
    InputError
        Where a path is given, here or in SPARSEANNOTATE_WEIGHTS, at which they are not.
    """
    paths = {"--weights": given, ENVIRONMENT_VARIABLE: os.environ.get(ENVIRONMENT_VARIABLE)}
    for origin, path in paths.items():
        if path:
            return _file_at(Path(path).expanduser(), source, origin)
    return source.cached_file()


def check_there(path: str | Path | None, origin: str) -> None:
    """Refuse a file or folder of weights that is not there, or no such file; `origin` is the option that named it.

    Raises
    ------
    InputError
        With both.
    """
    if path is not None and not Path(path).expanduser().exists():
        raise InputError(f"{origin} names {path}, which does not exist: name a file with pretrained weights")
    if path is not None and Path(path).expanduser().is_file():
        _refuse_other_kind(Path(path).expanduser())


def _refuse_other_kind(file: Path) -> None:
    """Torch writes zip files and, long ago, pickles; their beginnings tell."""
    with file.open("rb") as stream:
        begins = stream.read(2)
    if file.suffix != ".safetensors" and begins != b"PK" and begins[:1] != b"\x80":
        raise InputError(f"{file} cannot be read as weights: it is damaged or of another kind; get it anew")


def _file_at(path: Path, source: WeightsSource, origin: str) -> Path:
    if path.is_file():
        return path
    if not path.exists():
        raise InputError(f"{origin} names {path}, which does not exist: name a file with the weights of {source.name}")
    files = [path / name for name in source.file_names if (path / name).is_file()]
    if not files:
        names = " or ".join(source.file_names)
        raise InputError(f"{origin} names the folder {path}, which has no weights of {source.name}: put {names} there")
    return files[0]


def load(
    source: WeightsSource, given: str | Path | None = None, on_download: Callable[[str], None] | None = None
) -> Mapping[str, Any]:
    """The weights as a state dict on the CPU, downloaded if need be.

    Parameters
    ----------
    given : file or folder that the user named
    on_download : called with a sentence that says what is downloaded, how large it is and from whom, before it is;
        by default the sentence is logged as a warning. It may raise to refuse.

    Raises
    ------
    InputError
        Where they are neither on this computer nor to be had, or the file holds something else.
    """
    file = locate(source, given)
    if file is None:
        file = _download(source, on_download or logger.warning)
    state = _read(file)
    if source.parameter and source.parameter not in state:
        raise InputError(f"{file} holds no weights of {source.name}: get them from {source.address}")
    return state


def _download(source: WeightsSource, announce: Callable[[str], None]) -> Path:
    # OSError covers URLError, timeouts and a full disk; httpx, which Hugging Face uses, has errors of its own.
    errors: tuple[type[Exception], ...] = (OSError, RuntimeError)
    if isinstance(source, HubWeights):
        errors = (*errors, *_hub_errors())
    try:
        size = source.size_mb()
        megabytes = "of unknown size" if size is None else f"{size:.0f} MB"
        announce(f"downloading the weights of {source.name} ({megabytes}) from {source.site}, once")
        return source.download()
    except errors as error:
        reason = str(getattr(error, "reason", error)).partition("\n")[0]
        raise InputError(
            f"the weights of {source.name} are not on this computer and could not be downloaded ({reason}): get "
            f"{source.file_names[0]} from {source.address} and name it by --weights PATH or {ENVIRONMENT_VARIABLE}"
        ) from error


def _hub_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises, and the HTTP client that it uses: which one depends on its version."""
    from huggingface_hub import errors

    clients = [sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules]
    # The errors of requests, which older versions use, are OSErrors.
    return (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *(client.HTTPError for client in clients))


def _read(file: Path) -> Mapping[str, Any]:
    """A state dict; never runs code that a file might hold."""
    read, errors = _safetensors() if file.suffix == ".safetensors" else _torch()
    try:
        state = read(file)
    except errors as error:
        raise InputError(f"{file} cannot be read as weights: it is damaged or of another kind; get it anew") from error
    if not isinstance(state, Mapping):
        raise InputError(f"{file} holds no state dict, but a {type(state).__name__}: give the network's weights alone")
    return state


def _torch():
    """How to read a file of torch, and what that raises for a damaged one."""
    import functools
    import pickle

    load_file = require("torch", extra="deep", purpose="reading pretrained weights").load
    errors = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, OSError)
    return functools.partial(load_file, map_location="cpu", weights_only=True), errors


def _safetensors():
    """How to read a file of safetensors, and what that raises for a damaged one."""
    load_file = require("safetensors.torch", extra="deep", purpose="reading pretrained weights").load_file
    from safetensors import SafetensorError

    return load_file, (SafetensorError, OSError)


@dataclass(frozen=True)
class CachedWeights:
    """Weights on this computer that this program would use: whose they are, where, and how large."""

    name: str
    path: Path
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.size_bytes / 1e6:8.1f} MB  {self.name}  {self.path}"


def cached() -> list[CachedWeights]:
    """AlexNet in torch hub's cache, and the encoders of segmentation_models_pytorch in that of Hugging Face.

    Nothing else in these caches is looked at, since other programs keep their files there too.
    """
    entries = []
    file = ALEXNET.cached_file()
    if file:
        entries.append(CachedWeights(ALEXNET.name, file, file.stat().st_size))
    for repository in _cached_encoders():
        name = repository.repo_id.partition("/")[2]
        entries.append(CachedWeights(name, Path(repository.repo_path), repository.size_on_disk))
    return sorted(entries, key=lambda entry: entry.name.lower())


def _cached_encoders() -> list:
    try:
        from huggingface_hub import constants, errors, scan_cache_dir
    except ImportError:
        return []
    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except errors.CacheNotFound:
        return []
    return [repository for repository in repositories if repository.repo_id.startswith("smp-hub/")]


def clear() -> list[CachedWeights]:
    """Remove what `cached` lists, and return it. Other programs that share these files download them again."""
    import shutil

    removed = cached()
    for entry in removed:
        if entry.path.is_dir():
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink()
    return removed
