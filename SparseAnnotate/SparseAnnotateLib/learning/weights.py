"""Pretrained weights: where they are looked for, how they get there, what is kept and how to remove it.

They are looked for in this order: the path that the user gave (``--weights PATH``), the path in the environment
variable SPARSEANNOTATE_WEIGHTS, the cache on this computer, a download into that cache. A path names a file, or a
folder that holds one under its usual name. Nobody ever gets random weights instead.

The caches are those that torch and Hugging Face share with other programs: what is there is not downloaded again.
"""

from __future__ import annotations

import abc
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import InputError, require

ENVIRONMENT_VARIABLE = "SPARSEANNOTATE_WEIGHTS"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightsSource(abc.ABC):
    """The pretrained weights of one network, and the site that they come from.

    Attributes
    ----------
    name : what the user calls the network
    file_names : names under which its file is recognised in a folder, the best one first
    parameter : a parameter that every state dict of this network holds; "" where that is left to the network
    """

    name: str
    file_names: tuple[str, ...]
    parameter: str

    site: ClassVar[str]

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """Where a person finds the file."""

    @abc.abstractmethod
    def cached_file(self) -> Path | None:
        """The file in this computer's cache; None if it is not there."""

    @abc.abstractmethod
    def size_mb(self) -> float | None:
        """Of the download; None where the site does not say. May ask the site."""

    @abc.abstractmethod
    def download(self) -> Path:
        """Fetch the file into the cache: afterwards it is there and whole, or not there at all."""


@dataclass(frozen=True)
class TorchWeights(WeightsSource):
    """Weights in the cache of torch hub, which torchvision fills.

    Attributes
    ----------
    url : of the file; its name ends in the first digits of its SHA-256, which the download is checked against
    megabytes : size of the file
    """

    url: str
    megabytes: float

    site = "download.pytorch.org"

    @property
    def address(self) -> str:
        return self.url

    def cached_file(self) -> Path | None:
        file = self._destination()
        return file if file.is_file() else None

    def size_mb(self) -> float:
        return self.megabytes

    def download(self) -> Path:
        hub = require("torch", extra="deep", purpose=f"downloading the weights of {self.name}").hub
        file = self._destination()
        file.parent.mkdir(parents=True, exist_ok=True)
        # torch writes to another name, checks the digest, and moves the file when it is whole.
        hub.download_url_to_file(self.url, str(file), hash_prefix=file.stem.rpartition("-")[2], progress=False)
        return file

    def _destination(self) -> Path:
        return torch_cache() / self.url.rpartition("/")[2]


@dataclass(frozen=True)
class HubWeights(WeightsSource):
    """Weights in the cache of the Hugging Face hub, which segmentation_models_pytorch and timm use.

    Attributes
    ----------
    repository, revision : for instance ``smp-hub/resnet34.imagenet`` and a commit
    """

    repository: str
    revision: str | None = None

    site = "huggingface.co"

    @property
    def address(self) -> str:
        return f"https://huggingface.co/{self.repository}"

    def cached_file(self) -> Path | None:
        hub = require("huggingface_hub", extra="deep", purpose=f"the pretrained weights of {self.name}")
        found = hub.try_to_load_from_cache(self.repository, self.file_names[0], revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def size_mb(self) -> float | None:
        import huggingface_hub as hub

        url = hub.hf_hub_url(self.repository, self.file_names[0], revision=self.revision)
        size = hub.get_hf_file_metadata(url, timeout=10).size
        return None if size is None else size / 1e6

    def download(self) -> Path:
        import huggingface_hub as hub

        return Path(hub.hf_hub_download(self.repository, self.file_names[0], revision=self.revision))


ALEXNET = TorchWeights(
    name="AlexNet",
    file_names=("alexnet-owt-7be5be79.pth", "alexnet_features.pth"),
    parameter="features.0.weight",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    megabytes=244.4,
)


def encoder_weights(encoder: str) -> HubWeights:
    """The ImageNet weights of an encoder of segmentation_models_pytorch.

    Raises
    ------
    InputError
        Where smp has none for it.
    """
    smp = require("segmentation_models_pytorch", extra="deep", purpose="a pretrained encoder")
    settings = smp.encoders.encoders.get(encoder, {}).get("pretrained_settings", {}).get("imagenet")
    if settings is None:
        raise InputError(f"there are no ImageNet weights for the encoder {encoder!r}: choose another, such as resnet34")
    file_names = ("model.safetensors", f"{encoder}.safetensors", f"{encoder}.pth")
    return HubWeights(encoder, file_names, "", settings["repo_id"], settings["revision"])


def torch_cache() -> Path:
    """The folder in which torch hub keeps weights (its documented rule, so that torch need not be imported)."""
    home = os.environ.get("TORCH_HOME")
    if home is None:
        home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


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
    from huggingface_hub import errors

    return (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *_transport_errors())


def _transport_errors() -> tuple[type[Exception], ...]:
    import importlib

    for name in ("httpx2", "httpx", "requests"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return (getattr(module, "HTTPError", None) or module.exceptions.RequestException,)
    return ()


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
