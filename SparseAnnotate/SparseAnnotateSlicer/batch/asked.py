"""The planes that `cohort suggest` asks for, as suggestions in the sessions of the scenes that it was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from SparseAnnotateLib.cohort import worklist
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.io import write_text
from SparseAnnotateLib.selectors import Suggestion

from ..scene import files
from ..session.node import is_whole, session_nodes
from ..session.session import AnnotationSession


class AskedScenes:
    """Scenes, of which copies with suggestions are written beside the table.

    Parameters
    ----------
    table : that `cohort suggest` writes
    scenes : in the order of the cases; files of other kinds are no scenes, and get no copy
    axis : the annotation axis of a scene that holds no session yet

    Raises
    ------
    InputError
        Where a scene would be written over.
    """

    def __init__(self, table: Path, scenes: Sequence[Path], axis: str):
        self._table, self._axis = table, axis
        self._scenes = {path.stem: path for path in scenes if files.is_scene(path)}
        for path in self._scenes.values():
            if path.absolute().parent == table.absolute().parent:
                raise InputError(
                    f"-o {table} lies in the folder of {path.name}, and scenes with suggestions are written beside the "
                    "table: give it a folder of its own"
                )

    def deliver(self, scene) -> None:
        """Write every scene with what is asked for of it, and name it in the table."""
        rows = worklist.read(self._table)
        asked = worklist.waiting(rows)
        for name, path in self._scenes.items():
            self._write_copy(scene, path, asked.get(name, []))
        moved = [
            replace(row, image=self._scenes[row.scan].name, labels="") if row.scan in self._scenes else row
            for row in rows
        ]
        write_text(self._table, worklist.as_csv(moved), ".csv")

    def _write_copy(self, scene, path: Path, asked: Sequence[worklist.PlaneRow]) -> None:
        before = _nodes(scene)
        files.load_scene(scene, path.absolute())
        new = [node for node in _nodes(scene) if node not in before]
        try:
            session = _session_among(scene, new, path, self._axis)
            session.take_suggestions(_suggestions(asked))
            session.close()
            files.save_scene(scene, self._table.absolute().parent / path.name)
        finally:
            for node in new:
                if node.GetScene() is not None:
                    scene.RemoveNode(node)


def _suggestions(asked: Sequence[worklist.PlaneRow]) -> list[Suggestion]:
    return [
        Suggestion(one.plane, 1 - one.agreement, f"the cohort's network agrees with itself by {one.agreement:.2f} only")
        for one in asked
    ]


def _session_among(scene, new, path: Path, axis: str) -> AnnotationSession:
    """The session of a scene, or a new one on its only volume and segmentation."""
    found = [node for node in session_nodes(scene) if node in new and is_whole(node)]
    if len(found) == 1:
        return AnnotationSession.restore(found[0])
    volumes = [node for node in new if node.GetClassName() == "vtkMRMLScalarVolumeNode"]
    segmentations = [node for node in new if node.IsA("vtkMRMLSegmentationNode")]
    if found or len(volumes) != 1 or len(segmentations) != 1:
        raise InputError(
            f"{path.name} holds {len(found)} sessions, {len(volumes)} volumes and {len(segmentations)} segmentations: "
            "suggestions go into one session, or need one volume and one segmentation"
        )
    return AnnotationSession.start(volumes[0], segmentations[0], axis)


def _nodes(scene) -> list:
    return [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
