"""The sites that pretrained weights come from, and the caches in which they are kept."""

from __future__ import annotations

import abc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ...errors import InputError, require


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
