"""The file of a cohort network: weights, and everything that is needed to use them; reading it runs no code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..environment import versions as installed_versions
from ..errors import InputError, require
from ..io.writing import check_writable, written_aside
from ..volume import AXES

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
NETWORKS = ("attention-unet3d", "unet3d")

# Raised when a file of today's program could not be used by one that knows only lower numbers.
_FORMAT = 1
_KEY = "sparse_annotate_cohort_model"

# Of a safetensors file, by its definition.
_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True, kw_only=True)
class CohortConfiguration:
    """What a network sees, and what its outputs mean.

    Attributes
    ----------
    class_names, class_values : of the structures, background not among them; output n is ``class_names[n - 1]``
    spacing_mm : of planes, rows and columns, to which every scan is resampled
    axis : the annotation axis of the scans, ``i``, ``j`` or ``k``
    block : planes, rows and columns that the network sees at once (Specktor-Fadida 2023: 48, 128, 128)
    network : ``attention-unet3d`` (Zhang 2019), or a plain ``unet3d`` of the same size
    base_channels : at full resolution; doubled at each halving
    depth : times that rows and columns are halved
    halved_planes : how many of these halve the planes too
    known_channel : the second input channel is the known mask (Specktor-Fadida 2023)
    clip_percentiles : intensities are cut at these, then brought to mean 0 and standard deviation 1
    scan_spacing_mm : the middle one of the scans that were learnt from, before resampling; None if nobody knows
    """

    class_names: tuple[str, ...]
    class_values: tuple[int, ...]
    spacing_mm: tuple[float, float, float]
    axis: str = "k"
    block: tuple[int, int, int] = (48, 128, 128)
    network: str = "attention-unet3d"
    base_channels: int = 16
    depth: int = 3
    halved_planes: int = 3
    known_channel: bool = True
    clip_percentiles: tuple[float, float] = (0.5, 99.5)
    scan_spacing_mm: tuple[float, float, float] | None = None

    def __post_init__(self):
        for name, kind in _TUPLES.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(kind(value) for value in getattr(self, name)))
        problem = self._problem()
        if problem:
            raise InputError(f"the cohort network's {problem}")

    @property
    def class_count(self) -> int:
        """Number of structures, background not counted."""
        return len(self.class_values)

    @property
    def input_channels(self) -> int:
        """Channels of the network's input."""
        return 2 if self.known_channel else 1

    def _problem(self) -> str | None:
        values = self.class_values
        if not values or len(values) != len(self.class_names):
            return f"{len(self.class_names)} class names do not fit its {len(values)} class values: give one for each"
        if min(values) < 1 or len(set(values)) != len(values) or len(values) > 255:
            return "class values must be at most 255 different numbers above 0"
        if not all(map(_are_lengths, (self.spacing_mm, self.scan_spacing_mm or self.spacing_mm))):
            return "spacing must be three lengths in mm above 0: planes, rows, columns"
        if self.axis not in AXES:
            return f"axis is {self.axis!r}: choose i, j or k"
        if self.network not in NETWORKS:
            return f"kind is {self.network!r}: choose among {', '.join(NETWORKS)}"
        if not 1 <= self.depth <= 8 or not 0 <= self.halved_planes <= self.depth:
            return "depth must be 1 to 8, and planes can be halved no more often than that"
        if self.base_channels < 1 or self.base_channels > 512:
            return f"number of channels is {self.base_channels}: give 1 to 512"
        if len(self.block) != 3 or min(self.block) < 1:
            return "block must be planes, rows and columns, such as 48,128,128"
        low, high = self.clip_percentiles
        return None if 0 <= low < high <= 100 else "clip percentiles must ascend, within 0 to 100"


_TUPLES = {"class_names": str, "class_values": int, "spacing_mm": float, "block": int, "clip_percentiles": float}
_TUPLES |= {"scan_spacing_mm": float}


def _are_lengths(spacing_mm: tuple[float, ...]) -> bool:
    return len(spacing_mm) == 3 and all(math.isfinite(s) and s > 0 for s in spacing_mm)


@dataclass
class CohortModel:
    """A trained network, as its file holds it.

    Attributes
    ----------
    configuration : what it sees and means
    weights : names to tensors on the CPU (a state dict)
    versions : of the packages that it was trained with; those installed, where none are given
    training_summary : losses, Dice, epochs, number of scans and planes, seeds, as JSON can hold them
    """

    configuration: CohortConfiguration
    weights: Mapping[str, Tensor]
    versions: dict[str, str] = field(default_factory=installed_versions)
    training_summary: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The same for the same weights."""
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(self.weights.items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def save_model(model: CohortModel, path: str | Path) -> None:
    """Write one safetensors file, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written; then nothing is changed.
    """
    require("safetensors", extra="deep", purpose="writing a cohort model")
    from safetensors.torch import save

    path = check_writable(path, (SUFFIX,))
    header = {
        "format": _FORMAT,
        "configuration": dataclasses.asdict(model.configuration),
        "versions": model.versions,
        "training_summary": model.training_summary,
    }
    # Copies, for safetensors refuses tensors that share memory.
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.weights.items()}
    with written_aside(path) as folder:
        # Not by save_file, whose files nobody else may read.
        (folder / path.name).write_bytes(save(weights, metadata={_KEY: json.dumps(header)}))


def load_model(path: str | Path) -> CohortModel:
    """Read a model; numbers and JSON are all that is ever read.

    Raises
    ------
    InputError
        For a file that is missing, damaged, of another kind, or of a newer version.
    """
    path = _existing(path)
    require("safetensors", extra="deep", purpose="reading a cohort model")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error
    return _from_metadata(path, metadata, weights)


def load_configuration(path: str | Path) -> CohortModel:
    """A model without its weights, for lists of what there is: takes a millisecond and needs no package.

    Raises
    ------
    InputError
        As `load_model` does, but for damage of the weights.
    """
    path = _existing(path)
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(path.stat().st_size - 8, _LONGEST_HEADER):
                raise ValueError("its beginning is that of another format")
            metadata = json.loads(file.read(length)).get("__metadata__")
    except (OSError, ValueError, AttributeError) as error:
        raise _unreadable(path, error) from error
    return _from_metadata(path, metadata, {})


def check_model(path: str | Path | None) -> None:
    """Refuse, before a scan is read, what is no cohort model; None is none to start from.

    Raises
    ------
    InputError
        As `load_configuration`.
    """
    if path is not None:
        load_configuration(path)


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no cohort model {path}: name a file that `sparse-annotate cohort train` wrote")
    return path


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read as a cohort model ({error}): name another one")


def _from_metadata(path: Path, metadata: Mapping[str, str] | None, weights: dict) -> CohortModel:
    if _KEY not in (metadata or {}):
        raise InputError(f"{path} holds weights of something else than a cohort network: name another one")
    return _from_header(path, metadata[_KEY], weights)


def _from_header(path: Path, text: str, weights: dict) -> CohortModel:
    damaged = f"{path} is damaged: what it says of its network cannot be understood"
    try:
        header = json.loads(text)
        newer = header["format"] > _FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(damaged) from error
    if newer:
        raise InputError(f"{path} was written by a newer version of SparseAnnotate: update this one")
    try:
        configuration = CohortConfiguration(**header["configuration"])
        return CohortModel(configuration, weights, dict(header["versions"]), dict(header["training_summary"]))
    except (KeyError, TypeError, ValueError) as error:
        reason = f" ({error})" if isinstance(error, InputError) else ""
        raise InputError(damaged + reason) from error
