"""What a job says while it runs: one JSON object a line."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

STARTED, PROGRESS, HEARTBEAT = "started", "progress", "heartbeat"
RESULT, ERROR, CANCELLED = "result", "error", "cancelled"
ENDS = (RESULT, ERROR, CANCELLED)


@dataclass(frozen=True)
class Event:
    """One sign of life of a job.

    Attributes
    ----------
    kind : {"started", "progress", "heartbeat", "result", "error", "cancelled"}
        A heartbeat repeats the latest progress, so that a reader knows that a slow worker is alive.
    elapsed_s : since the worker started
    remaining_s : estimated from the fraction done; None while nothing is done
    stage, fraction, message : as the predictor's Progress, or for an error the sentence for the user
    preview : a plane's number and its labels so far, uint8 (rows, columns), or None
    reason, details : of an error, see `failure.describe`
    worker : who computes: a process number, or the address of a Dask worker
    """

    kind: str
    elapsed_s: float = 0.0
    remaining_s: float | None = None
    stage: str = ""
    fraction: float = 0.0
    message: str = ""
    preview: tuple[int, np.ndarray] | None = None
    reason: str = ""
    details: str = ""
    worker: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What JSON and msgpack can hold; what is empty is left out."""
        values = {name: value for name, value in vars(self).items() if value not in (None, "") and name != "preview"}
        for name in ("elapsed_s", "remaining_s", "fraction"):
            if name in values:
                values[name] = round(float(values[name]), 4)
        if self.preview is not None:
            values["preview"] = _pack_plane(*self.preview)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Event:
        """The reverse of `to_dict`; names that a newer version added are ignored."""
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        if "preview" in known:
            known["preview"] = _unpack_plane(known["preview"])
        return cls(**known)


def _pack_plane(plane: int, labels: np.ndarray) -> dict[str, Any]:
    # Labels of 512 x 512 pack into 1 to 4 kB in 2 ms, with the standard library alone.
    labels = np.ascontiguousarray(labels, np.uint8)
    packed = base64.b64encode(zlib.compress(labels.tobytes(), 1)).decode("ascii")
    return {"plane": int(plane), "shape": list(labels.shape), "labels": packed}


def _unpack_plane(packed: dict[str, Any]) -> tuple[int, np.ndarray]:
    labels = np.frombuffer(zlib.decompress(base64.b64decode(packed["labels"])), np.uint8)
    return packed["plane"], labels.reshape(packed["shape"])


class EventFile:
    """Appends events to a file, a line each; a line that cannot be written is dropped, never the job."""

    def __init__(self, path: Path):
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._torn = False

    def __call__(self, event: Event) -> None:
        line = json.dumps(event.to_dict()).encode() + b"\n"
        try:
            written = self._file.write(b"\n" + line if self._torn else line)
            self._torn = written < len(line)
        except OSError as error:
            self._torn = True
            logger.warning("an event could not be written: %s", error)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventReader:
    """Reads what was appended to an event file since the last time; never blocks, and reads nothing after the end."""

    def __init__(self, path: Path):
        self._path = path
        self._offset = 0
        self._ended = False

    def read(self) -> list[Event]:
        """The events whose lines are complete; none where the file is not there (yet, or any more)."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError:
            return []
        complete = text.rfind(b"\n") + 1
        self._offset += complete
        return self._until_end([event for line in text[:complete].splitlines() if line and (event := _parse(line))])

    def _until_end(self, new: list[Event]) -> list[Event]:
        """A heartbeat of the guardian may follow the worker's last word; it is not news."""
        read = []
        for event in new:
            if not self._ended:
                read.append(event)
                self._ended = event.kind in ENDS
        return read


def _parse(line: bytes) -> Event | None:
    try:
        return Event.from_dict(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
        logger.warning("an event cannot be read (%s): %.80r", error, line)
        return None
