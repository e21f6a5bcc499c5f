"""The result of a job as one file, which is there whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..io.writing import moved_in
from ..predictors import Prediction
from .failure import FOLDER, JobFailedError
from .folder import FORMAT, check_format

# The name under which everything that is no array travels, as JSON.
_REST = "rest"


def write_result(prediction: Prediction, path: Path) -> None:
    """Write a prediction under another name, see it onto the disk, and only then give it its name.

    Every field of `Prediction` travels, later ones too: arrays as such, everything else as JSON.

    Raises
    ------
    OSError
        Where the disk is full or the folder is gone; nothing is left behind then.
    """
    values = {field.name: getattr(prediction, field.name) for field in dataclasses.fields(prediction)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    rest = {"format": FORMAT, **{name: value for name, value in values.items() if name not in arrays}}
    arrays[_REST] = np.frombuffer(json.dumps(rest, default=_as_json).encode(), np.uint8)
    with moved_in(path) as folder, open(folder / path.name, "wb") as file:
        # Not compressed: zlib takes 1 s per 100 MB, and the file lives for seconds.
        np.savez(file, **arrays)


def read_result(path: Path) -> Prediction:
    """Read a prediction.

    Raises
    ------
    JobFailedError
        Where the file is missing, cut short or damaged (its checksums tell).
    InputError
        Where a newer SparseAnnotate wrote it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            values = json.loads(file[_REST].tobytes())
            check_format(values.pop("format"), "the result")
            values |= {name: file[name] for name in file.files if name != _REST}
        names = {field.name for field in dataclasses.fields(Prediction)}
        return Prediction(**{name: _from_json(value) for name, value in values.items() if name in names})
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise JobFailedError(f"the result cannot be read ({error}): predict again", FOLDER) from error


def _as_json(value: Any) -> Any:
    """numpy's numbers and arrays, which predictors may put into their details."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a prediction holds {type(value).__name__}, which JSON cannot")


def _from_json(value: Any) -> Any:
    """The fields of a frozen Prediction are tuples, where JSON knows lists only."""
    return tuple(value) if isinstance(value, list) else value
