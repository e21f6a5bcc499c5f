"""Where a training is after an epoch, in a file that is whole or not there; reading it runs no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...io.writing import written_aside

FILE = "checkpoint.pt"

# How to tell what differs where the name of it would make no sentence.
_CHANGED = {
    "scans": "the scans, or what is painted of them, were others",
    "configuration": "the structures, the voxel size or the network were others",
}


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers, texts, lists and dictionaries beside the last checkpoint, then in its place."""
    import torch

    path = folder / FILE
    with written_aside(path) as aside:
        torch.save(dict(state), aside / FILE)


def load_checkpoint(folder: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """The last checkpoint in a folder; None if there is none.

    Parameters
    ----------
    identity : what must be the same for going on to make sense, as it was saved under ``identity``

    Raises
    ------
    InputError
        For one that is damaged, or of a training of other scans or with other options, naming the first that differs.
    """
    import torch

    path = folder / FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        before = json.loads(state["identity"])
    except (RuntimeError, OSError, KeyError, TypeError, ValueError, EOFError, _unpickling_error()) as error:
        raise InputError(f"{path} cannot be read ({error}): remove the folder {folder} to begin anew") from error
    different = [name for name in {**before, **identity} if before.get(name) != as_json(identity.get(name))]
    if different:
        name = different[0]
        told = _CHANGED.get(name, f"{name.replace('_', ' ')} was another")
        raise InputError(
            f"{folder} holds a training in which {told}: give the same options and scans to go on with it, or remove "
            "the folder (or --again) to begin anew"
        )
    return state


def as_json(value: Any) -> Any:
    """What becomes of a value in a file: tuples become lists."""
    return json.loads(json.dumps(value))


def digest_of(texts: list[str]) -> str:
    """A short text that stands for many."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()


def _unpickling_error() -> type[Exception]:
    import pickle

    return pickle.UnpicklingError
