"""`slicer.app`, the modules, the layout and the main window, as far as a scripted module sees them."""

import importlib
import os
import sys
import tempfile
import time
import types
from pathlib import Path

import slicer
import vtk
from SparseAnnotateSlicer.scene.headless import headless_scene

from . import pythonqt, widgets

pythonqt.install()

from PySide6 import QtCore, QtWidgets  # noqa: E402 - after its settings

_ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class Application:
    """Stands for qSlicerApplication, which `slicer.app` is."""

    applicationName, majorVersion, minorVersion, revision = "Slicer", 5, 12, "standin"

    def __init__(self, headless):
        self._headless, self._qt = headless, pythonqt.install()
        self.temporaryPath = tempfile.mkdtemp(prefix="sparse-annotate-panel-")
        self.layout_manager = LayoutManager(headless)
        self.started = []

    def applicationLogic(self):
        return self._headless.application_logic

    def mrmlScene(self):
        return slicer.mrmlScene

    def layoutManager(self):
        return self.layout_manager

    def testingEnabled(self):
        return True

    def processEvents(self):
        self._qt.processEvents()

    def topLevelWidgets(self):
        return QtWidgets.QApplication.topLevelWidgets()

    def setOverrideCursor(self, cursor):
        self._qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self):
        self._qt.restoreOverrideCursor()

    def translate(self, context, text):
        return text

    def settings(self):
        return QtCore.QSettings()

    userSettings = settings

    def moduleManager(self):
        return types.SimpleNamespace(connect=lambda *_: True, disconnect=lambda *_: True)

    def connect(self, signal, action):
        """As ``slicer.app.connect("startupCompleted()", action)``; `started` keeps the actions."""
        self.started.append((signal, action))


class LayoutManager:
    """Three slice views with Slicer's own logic; nothing is drawn."""

    def __init__(self, headless):
        self._views = {name: SliceWidget(headless, name) for name in _ORIENTATIONS}
        self.turned_to_all = 0

    def sliceViewNames(self):
        return list(self._views)

    def sliceWidget(self, name):
        return self._views.get(name)

    threeDViewCount = 1

    def threeDWidget(self, number):
        """Its view counts how often it was turned to what is there."""
        return types.SimpleNamespace(threeDView=lambda: self)

    def resetFocalPoint(self):
        self.turned_to_all += 1

    def mrmlSliceLogics(self):
        return slicer.app.applicationLogic().GetSliceLogics()

    def resetSliceViews(self):
        for view in self._views.values():
            view.sliceLogic().FitSliceToBackground()

    def reset(self, headless):
        """New nodes after the scene was emptied; in Slicer the layout node sees to it."""
        for view in self._views.values():
            view.connect_scene(headless)


class SliceWidget:
    """Stands for qMRMLSliceWidget."""

    def __init__(self, headless, name):
        self._name, self._logic = name, slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(headless.application_logic)
        headless.application_logic.GetSliceLogics().AddItem(self._logic)
        # No window of VTK: on a machine without a display it can abort the process.
        renderers = vtk.vtkRendererCollection()
        renderers.AddItem(vtk.vtkRenderer())
        self._window = types.SimpleNamespace(GetRenderers=lambda: renderers, Render=lambda: None)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self.under_mouse = False
        self.connect_scene(headless)

    def connect_scene(self, headless):
        self._logic.SetMRMLScene(headless.scene)
        node = headless.scene.GetSingletonNode(self._name, "vtkMRMLSliceNode") or self._logic.AddSliceNode(self._name)
        self._logic.SetSliceNode(node)
        node.SetOrientation(_ORIENTATIONS[self._name])

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceView(self):
        return self

    def underMouse(self):
        """Whether the mouse is over it: as the tests say."""
        return self.under_mouse

    def interactorStyle(self):
        """Through it the segment editor, and modules, listen to the mouse."""
        return types.SimpleNamespace(GetInteractor=lambda: self._interactor)

    def renderWindow(self):
        return self._window

    def scheduleRender(self):
        pass

    forceRender = scheduleRender


class _ModuleParent:
    """Stands for qSlicerScriptedLoadableModule, which the module describes itself to."""

    def __init__(self, path):
        self.path = path


class _Representation(widgets.qMRMLWidget):
    """Stands for qSlicerScriptedLoadableModuleWidget: holds the module's widget and tells it what happens."""

    def __init__(self, name):
        super().__init__()
        self.setObjectName(f"{name}Representation")
        self._name, self.isEntered = name, False
        self.setLayout(QtWidgets.QVBoxLayout())
        self.setMRMLScene(slicer.mrmlScene)
        self.reload()

    def reload(self):
        self.widget = getattr(sys.modules[self._name], f"{self._name}Widget")(self)
        setattr(slicer.modules, f"{self._name}Widget", self.widget)
        self.widget.setup()
        self.layout().addStretch(1)

    def enter(self):
        self.isEntered = True
        self.widget.enter()

    def exit(self):
        self.widget.exit()
        self.isEntered = False


def load_module(path: Path):
    """Load a scripted module as Slicer does at its start; returns what stands for its widget, not entered yet."""
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module = importlib.import_module(name)
    known = types.SimpleNamespace(path=str(path), name=name, widgetRepresentation=lambda: known.representation)
    setattr(slicer.modules, name.lower(), known)
    known.instance = getattr(module, name)(_ModuleParent(str(path)))
    known.representation = _Representation(name)
    return known.representation


def process_events(seconds: float = 0.0) -> None:
    """Let Qt work for a while."""
    end = time.monotonic() + seconds
    while True:
        QtWidgets.QApplication.instance().processEvents()
        if time.monotonic() >= end:
            return
        time.sleep(0.005)


def wait_until(condition, timeout_s: float = 600.0) -> None:
    """Let Qt work until something is so; an AssertionError if it does not become so."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        process_events(0.01)


def prepare() -> None:
    """Make Slicer's pure-Python layer and its widgets importable, which modules do when they are imported."""
    slicer.__getattr__ = _find_in_slicer
    folder = os.environ.get("SLICER_PYTHON")
    if not folder:
        from . import layer

        layer.install()
    elif folder not in slicer.__path__:
        slicer.__path__.append(folder)


def start() -> Application:
    """Make `slicer` look like the application; `stop` takes it back."""
    headless = headless_scene()
    QtCore.QCoreApplication.setOrganizationName("sparse-annotate-tests")
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    slicer.app = Application(headless)
    ini, user = QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope
    QtCore.QSettings.setPath(ini, user, slicer.app.temporaryPath)
    return slicer.app


def stop() -> None:
    """Let `slicer` look as it did: other tests have no application."""
    for logic in [one.sliceLogic() for one in slicer.app.layout_manager._views.values()]:
        slicer.app.applicationLogic().GetSliceLogics().RemoveItem(logic)
        nodes = logic.GetSliceNode(), logic.GetSliceCompositeNode()
        logic.SetMRMLScene(None)
        # Singletons, which no emptying of the scene removes: other views of these names would not get their own.
        for node in (one for one in nodes if one is not None and one.GetScene() is not None):
            node.GetScene().RemoveNode(node)
    del slicer.app


def _find_in_slicer(name):
    if name.startswith(("qMRML", "qSlicer")):
        return widgets.named(name)
    raise AttributeError(f"module slicer has no {name}")
