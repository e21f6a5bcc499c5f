"""What a study of cohorts keeps in its folder: results line by line, and networks that are trained only once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...cohort.model import CohortModel, load_model, save_model
from ...cohort.scans import CohortScan
from ...cohort.training.settings import TrainingSettings


class ResultLines:
    """A file of JSON lines, each of which tells the ``identity`` of the network that it is about."""

    def __init__(self, path: Path):
        self.path = path

    def of(self, identity: str) -> list[dict[str, Any]]:
        """The results of a network."""
        if not self.path.exists():
            return []
        found = (_parsed(line) for line in self.path.read_text(encoding="utf-8").splitlines())
        return [one for one in found if one and one["identity"] == identity]

    def append(self, result: dict[str, Any]) -> None:
        """Add a result; it is on the disk afterwards."""
        # A line that was cut short by a kill ends here, and is passed over when it is read.
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(result) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _parsed(line: str) -> dict | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def trained_once(
    path: Path,
    scans: Callable[[], Sequence[CohortScan]],
    settings: TrainingSettings,
    start: CohortModel | None,
    say: Callable[[str], None],
) -> CohortModel:
    """The network of a file, trained where the file is not there yet; a training that was cut short goes on."""
    from ...cohort.training.trainer import train_cohort

    if path.exists():
        return load_model(path)
    folder = path.with_suffix(".training")
    folder.mkdir(exist_ok=True)
    model = train_cohort(scans(), settings, start=start, folder=folder, on_epoch=lambda epoch: say(_line(epoch)))
    save_model(model, path)
    return model


def _line(epoch) -> str:
    return f"  epoch {epoch.number}: loss {epoch.loss:.4f}"
