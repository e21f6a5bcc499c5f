"""The scans of a folder with the planes that wait in each, as `cohort suggest` asked for them: one scene a scan.

A scan that is not a scene yet becomes one in the folder when it is opened, so that what is painted is kept there, image
files and labels stay what they are, and `cohort train FOLDER` finds everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from SparseAnnotateLib.cohort import worklist
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.io import write_text
from SparseAnnotateLib.selectors import Suggestion

from ..scene import files
from .node import SEGMENTATION, VOLUME, is_whole, session_nodes
from .session import AnnotationSession


class Worklist:
    """The newest table of a folder, and how far it is done.

    Attributes
    ----------
    table : its path
    scans : names of the scans in which planes are asked for, the one with the most doubtful plane first

    Raises
    ------
    InputError
        Where the folder has no such table, or one that asks for nothing.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.table, rows = _newest(self.folder)
        self._asked = worklist.waiting(rows)
        self.scans = [*self._asked]
        self._done = self._read_progress()

    def waiting(self, scan: str) -> list[int]:
        """Planes that are still to be painted, the most doubtful one first."""
        return [one.plane for one in self._asked[scan] if one.plane not in self._done.get(scan, ())]

    def next_scan(self, after: str | None) -> str | None:
        """The next scan, in a circle, in which something waits; None when all is done."""
        start = 0 if after not in self._asked else self.scans.index(after) + 1
        in_turn = [*self.scans[start:], *self.scans[:start]]
        return next((one for one in in_turn if self.waiting(one)), None)

    def note(self, scan: str, left: Iterable[int]) -> None:
        """Remember which planes of a scan still wait; in a file beside the table."""
        left = {*left}
        done = [one.plane for one in self._asked[scan] if one.plane not in left]
        if done == self._done.get(scan, []):
            return
        self._done[scan] = done
        write_text(self._progress, json.dumps(self._done), ".json")

    def scene_of(self, scan: str) -> Path:
        """The scene that a scan is painted in; it may not be there yet."""
        image = Path(self._asked[scan][0].image)
        return self.folder / (image.name if files.is_scene(image) else f"{Path(scan).name}.mrb")

    def open(self, scene, scan: str) -> AnnotationSession:
        """Load a scan into an empty scene, with what is asked for as suggestions of its session.

        Raises
        ------
        InputError
            Where its files cannot be read, or its scene holds more than one session.
        """
        path = self.scene_of(scan)
        if path.exists():
            files.load_scene(scene, path)
            found = [node for node in session_nodes(scene) if is_whole(node)]
            if len(found) != 1:
                raise InputError(f"{path.name} holds {len(found)} sessions: leave one in it")
            session = AnnotationSession.restore(found[0])
        else:
            session = self._begun(scene, scan)
        session.take_suggestions(
            Suggestion(one.plane, 1 - one.agreement, f"the network's two outputs agree by {one.agreement:.2f} only")
            for one in self._asked[scan]
        )
        return session

    def _begun(self, scene, scan: str) -> AnnotationSession:
        row = self._asked[scan][0]
        volume = files.load_volume(scene, self.folder / row.image)
        volume.SetName(scan)
        if row.labels:
            segmentation = files.load_segmentation(scene, self.folder / row.labels)
        else:
            segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
            segmentation.CreateDefaultDisplayNodes()
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
            _add_segments(segmentation.GetSegmentation(), row.classes)
        segmentation.SetName(f"{scan} segments")
        return AnnotationSession.start(volume, segmentation, row.axis)

    def save(self, scene, scan: str) -> None:
        """Write the scene of a scan, aside first.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        files.save_scene(scene, self.scene_of(scan))

    @property
    def _progress(self) -> Path:
        return self.table.with_suffix(".done.json")

    def _read_progress(self) -> dict[str, list[int]]:
        try:
            told = json.loads(self._progress.read_text(encoding="utf-8"))
            return {scan: [int(plane) for plane in planes] for scan, planes in told.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def nodes_of(session: AnnotationSession):
    """The volume and the segmentation of a session."""
    return session.node.GetNodeReference(VOLUME), session.node.GetNodeReference(SEGMENTATION)


def _add_segments(segmentation, classes: str) -> None:
    """An empty segment for each structure that the network knows."""
    for value, name in worklist.structures_in(classes):
        segment_id = segmentation.AddEmptySegment("", name)
        segmentation.GetSegment(segment_id).SetLabelValue(value)
    if not segmentation.GetNumberOfSegments():
        segmentation.AddEmptySegment()


def _newest(folder: Path) -> tuple[Path, list[worklist.PlaneRow]]:
    """The table of `cohort suggest` that was written last."""
    for path in sorted(folder.glob("*.csv"), key=lambda path: -path.stat().st_mtime):
        try:
            rows = worklist.read(path)
        except InputError:
            continue
        if any(row.order for row in rows):
            return path, rows
    raise InputError(f"{folder} holds no table of `sparse-annotate cohort suggest`: choose the folder of one")
