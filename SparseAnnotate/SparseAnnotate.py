"""SparseAnnotate in 3D Slicer: module, widget and logic, wiring only; the parts are in SparseAnnotateSlicer."""

import importlib
import sys
from typing import Annotated

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin
from SparseAnnotateSlicer import selftest

_PARTS = ("SparseAnnotateSlicer", "SparseAnnotateLib")


class SparseAnnotate(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("SparseAnnotate")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SegmentEditor"]
        parent.contributors = ["SparseAnnotate developers"]
        parent.helpText = _(
            "Segment a scan by painting a few of its slices: SparseAnnotate says which, predicts the others from them,"
            " shows where it is unsure, and never changes a slice that you painted.<br>Keys over a slice view: N next,"
            " Shift+N previous suggested slice; Ctrl+Z undo, Ctrl+Shift+Z redo. The button ? lists all."
        )
        parent.acknowledgementText = _("The methods are those of the papers that the README names.")
        slicer.app.connect("startupCompleted()", _register_sample_data)


def _register_sample_data():
    from SparseAnnotateSlicer.scene.sample import registerSampleData

    registerSampleData()


@parameterNodeWrapper
class SparseAnnotateParameters:
    """What is chosen on the panel; everything else is kept by the session.

    volume, segmentation : what is annotated
    count, countUnit : how much to suggest, "slices" or "percent"
    fillPercent : how much a prediction is filled; 0 draws outlines only
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    count: Annotated[int, WithinRange(1, 500), Default(5)]
    countUnit: Annotated[str, Default("slices")]
    fillPercent: Annotated[int, WithinRange(0, 100), Default(0)]


class SparseAnnotateWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the form and hands it to the panel, which is told what happens to the module and to the scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = self.logic = None
        self._parameters = self._gui_tag = None

    def setup(self):
        """Build the panel, when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        from SparseAnnotateSlicer.panel.panel import Panel

        form = slicer.util.loadUI(self.resourcePath("UI/SparseAnnotate.ui"))
        self.layout.addWidget(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(form)
        self.logic = SparseAnnotateLogic()
        self.panel = Panel(self.ui, self.logic.sessions)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEnd)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEnd)
        self.addObserver(scene, scene.NodeAddedEvent, self.onSceneNodeAdded)
        # After the widgets of Slicer, which observe it with priority 0.
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneEndBatch, priority=-1.0)
        self._entered = False
        # Slicer's Reload sets the module up again while it is shown, and does not enter it.
        if getattr(self.parent, "isEntered", False):
            self.enter()

    def enter(self):
        """The module is shown."""
        self._entered = True
        self._connect()

    def exit(self):
        """Another module is shown; a prediction that runs goes on."""
        self._entered = False
        self._disconnect()

    def cleanup(self):
        """The module is unloaded, or Slicer ends."""
        if self.panel is not None:
            self._disconnect()
            self.panel.close()
        self.removeObservers()

    def onSceneStartClose(self, caller, event):  # noqa: ARG002 - VTK's form
        """Let go of the scene before it is emptied."""
        self._disconnect()

    def onSceneEnd(self, caller, event):  # noqa: ARG002 - VTK's form
        """The scene was emptied, or another one was read into it."""
        if self._entered:
            self._disconnect()
            self._connect()

    def onSceneNodeAdded(self, caller, event):  # noqa: ARG002 - VTK's form
        """A volume that is loaded while none is chosen is taken, once whoever adds it is done."""
        import qt

        if self._parameters is not None and self._parameters.volume is None:
            qt.QTimer.singleShot(0, self._choose_new_volume)

    def _choose_new_volume(self):
        if self._parameters is not None:
            self._choose_first_volume()

    def onSceneEndBatch(self, caller, event):  # noqa: ARG002 - VTK's form
        """Many nodes were added at once."""
        if self._parameters is not None:
            self.panel.nodes_added()

    def _connect(self):
        if self._parameters is not None:
            return
        self._parameters = self.logic.getParameterNode()
        self._choose_first_volume()
        self._gui_tag = self._parameters.connectGui(self.ui)
        self.addObserver(self._parameters.parameterNode, "ModifiedEvent", self._onParametersModified)
        self.panel.enter(self._parameters)

    def _choose_first_volume(self):
        """Not a label map, whose class is derived from it."""
        name, scene = "vtkMRMLScalarVolumeNode", slicer.mrmlScene
        volumes = [scene.GetNthNodeByClass(number, name) for number in range(scene.GetNumberOfNodesByClass(name))]
        scans = [node for node in volumes if node.GetClassName() == name and not node.GetHideFromEditors()]
        if self._parameters.volume is None and scans:
            self._parameters.volume = scans[0]

    def _disconnect(self):
        if self._parameters is None:
            return
        self.removeObserver(self._parameters.parameterNode, "ModifiedEvent", self._onParametersModified)
        self._parameters.disconnectGui(self._gui_tag)
        self._parameters = self._gui_tag = None
        self.panel.exit()

    def _onParametersModified(self, caller, event):  # noqa: ARG002 - VTK's form
        self.panel.parameters_changed()

    def onReload(self):
        """Reload the parts, too: Slicer reloads this file only."""
        for name in [one for one in sys.modules if one.partition(".")[0] in _PARTS]:
            del sys.modules[name]
        importlib.invalidate_caches()
        ScriptedLoadableModuleWidget.onReload(self)


class SparseAnnotateLogic(ScriptedLoadableModuleLogic):
    """For scripts, and for the widget: sessions of the scene, and what the panel is set to."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        from SparseAnnotateSlicer.session.sessions import Sessions

        self.sessions = Sessions()

    def getParameterNode(self):
        """The panel's settings in this scene."""
        return SparseAnnotateParameters(super().getParameterNode())

    def session(self, volumeNode, segmentationNode, axis="auto"):
        """The annotation session of a volume and a segmentation, taken up from the scene or started."""
        return self.sessions.of(volumeNode, segmentationNode, axis)

    def predict(self, session, predictor=None, options=None):
        """Predict the slices that are not painted, in a worker process, and wait for it; returns the Prediction."""
        from SparseAnnotateLib.jobs import LocalRunner
        from SparseAnnotateSlicer.session.prediction import submit

        with LocalRunner() as runner:
            return submit(session, runner, predictor, options).wait()


class SparseAnnotateTest(selftest.SelfTest):
    """Run by Slicer's button "Reload and Test", by ctest, and by pytest on the stand-in for Slicer."""

    logicClass = SparseAnnotateLogic
