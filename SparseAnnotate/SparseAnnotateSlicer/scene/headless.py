"""Slicer's MRML scene in plain Python, on the slicer-core wheel: what the application sets up before a module runs.

Inside Slicer none of this is needed. The wheel has the scene, the logics and the displayable managers, but nobody who
creates and connects them, and neither `slicer.mrmlScene` nor `slicer.modules`, on which parts of slicer.util rely.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import types
from pathlib import Path

import slicer
import vtk

# The logics that register node classes, readers and conversion rules, under the names that Slicer gives their modules.
# (Terminologies is not among them: the wheel lacks its files, and segments keep their terminology as a tag without it.)
_LOGICS = {
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
}


def inside_slicer() -> bool:
    """Whether this Python runs in the Slicer application, with or without a window."""
    return getattr(slicer, "app", None) is not None


class HeadlessScene:
    """A scene that reads and writes everything that Slicer's does; one a process.

    Attributes
    ----------
    scene : vtkMRMLScene, also `slicer.mrmlScene`
    application_logic : vtkSlicerApplicationLogic
    """

    def __init__(self):
        folder = Path(tempfile.mkdtemp(prefix="sparse-annotate-scene-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.scene = slicer.vtkMRMLScene()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self._connect_cache(folder)
        self._connect_application_logic(folder)
        self._logics = {name: self._connect_logic(getattr(slicer, cls)(), name) for name, cls in _LOGICS.items()}
        # Before the interpreter takes objects down in an order of its own, which crashed.
        atexit.register(self.close)
        slicer.mrmlScene = self.scene
        modules = {name.lower(): types.SimpleNamespace(logic=lambda one=one: one) for name, one in self._logics.items()}
        slicer.modules = types.SimpleNamespace(**modules)

    def close(self) -> None:
        """Empty the scene and let every logic go of it; it cannot be used any more."""
        self.scene.Clear(True)
        for logic in (*self._logics.values(), self.application_logic):
            logic.SetMRMLScene(None)

    def _connect_cache(self, folder: Path) -> None:
        """Without a cache manager no .mrb can be read."""
        self._cache, self._data_io = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        self._cache.SetRemoteCacheDirectory(str(folder))
        self._data_io.SetCacheManager(self._cache)
        self.scene.SetCacheManager(self._cache)
        self.scene.SetDataIOManager(self._data_io)

    def _connect_application_logic(self, folder: Path) -> None:
        logic = self.application_logic
        logic.SetMRMLScene(self.scene)
        logic.SetTemporaryPath(str(folder))
        colors = logic.GetColorLogic()
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        logic.SetModuleLogic("Colors", colors)
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        self._share = folder

    def _connect_logic(self, logic, name: str):
        if hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(str(self._share))
        logic.SetMRMLApplicationLogic(self.application_logic)
        logic.SetMRMLScene(self.scene)
        self.application_logic.SetModuleLogic(name, logic)
        return logic


_headless: HeadlessScene | None = None


def headless_scene() -> HeadlessScene:
    """The scene of this process, made at the first call; only where the application is not there.

    Raises
    ------
    RuntimeError
        Inside Slicer, which has its own.
    """
    global _headless
    if inside_slicer():
        raise RuntimeError("Slicer has a scene already: slicer.mrmlScene")
    if _headless is None:
        _headless = HeadlessScene()
    return _headless
