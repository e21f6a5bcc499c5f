"""Where every plane's labels come from, as a table. No Qt."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from SparseAnnotateLib.errors import InputError

from ..scene.plane_geometry import PlaneGeometry
from .planes import Present

COLUMNS = ("slice", "position_mm", "state", "suggested_because", "expected_dice", "corrected", "predictor", "selector")


def write_provenance(session, present: Present, path: Path) -> None:
    """Write a line a plane: its state, why it was suggested, how good its prediction should be.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    try:
        Path(path).write_text(provenance(session, present), encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): choose another folder") from error


def provenance(session, present: Present) -> str:
    """The table as text."""
    state = session.state
    reasons = {plane: reason for plane, _score, reason in state.suggestions}
    positions_mm = PlaneGeometry.of(session.volume_node, state.axis).positions_mm()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for plane, one in enumerate(present.states):
        from_prediction = plane in state.predicted or plane in state.corrected
        writer.writerow(
            (
                plane,
                f"{positions_mm[plane]:.3f}",
                one.value,
                reasons.get(plane, ""),
                state.expected_dice.get(plane, ""),
                "yes" if plane in state.corrected else "",
                (state.shown_from or state.predictor) if from_prediction else "",
                state.selector if plane in reasons else "",
            )
        )
    return text.getvalue()
