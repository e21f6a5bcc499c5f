"""The module's own test, in a real Slicer: the whole way of an annotation, on data that it makes itself.

    Slicer --testing --no-splash --additional-module-paths SparseAnnotate --python-code
        "import slicer.testing; slicer.testing.runUnitTest(['SparseAnnotate'], 'SparseAnnotate')"

Nothing is downloaded or installed. The tests of the panel need a window; the others do not.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

# Slicer imports this file when it starts: whatever else is needed is imported by the tests.

_COUNT = 6
# A prediction of the made-up scan takes seconds; a worker's first start on a cold disk may take a minute.
_PATIENCE_S = 180.0


class SelfTest(ScriptedLoadableModuleTest):
    """What `SparseAnnotateTest` in the module's file runs; Slicer looks for it there, by its name.

    Attributes
    ----------
    logicClass : the module's logic, set by the class that Slicer runs: this file knows nothing of what lies above it
    """

    logicClass = None

    def setUp(self):
        """Begin with an empty scene, and what an expert would paint of the scan."""
        from .scene import sample
        from .session.planes import PlaneState

        self.clearScene()
        self.states, self.addSample = PlaneState, sample.addSample
        self.first, self.last = sample.FIRST, sample.LAST
        self.truth = sample.madeUpScan()[1].astype(bool)

    def tearDown(self):
        """Leave nothing behind."""
        self.clearScene()

    def test_the_way_of_a_script(self):
        """Session, range, suggestions, painting, prediction, accepting, undoing; no window is needed."""
        logic = self.logicClass()
        (volume,) = self.addSample()
        session = logic.session(volume, self._segmentation(volume))
        self.assertEqual(session.state.axis, "k")
        session.set_range(self.first, self.last)
        session.suggest(_COUNT, "keep-n")
        planes = [one.plane for one, _state in session.suggestions()]
        self.assertEqual(len(planes), _COUNT)
        self._paint(session, planes)
        painted = session.look()
        self.assertEqual(painted.planes(self.states.PAINTED), sorted(planes))

        logic.predict(session, "shape")
        self.assertEqual(len(session.look().planes(self.states.PREDICTED)), self.last - self.first + 1 - _COUNT)
        self.assertEqual(session.look().contents, painted.contents)
        session.review.accept()
        self.assertGreater(self._dice(session), 0.85)
        session.review.undo()
        self.assertEqual(session.look().contents, painted.contents)
        session.end()

    def test_a_learning_predictor_where_its_packages_are(self):
        """The default predictor: better than interpolating shapes; and a network where torch is installed."""
        for predictor, packages, options in (
            ("guided", ("cv2", "sklearn"), None),
            ("unet", ("torch", "segmentation_models_pytorch"), {"steps": 20, "prior": "none"}),
        ):
            if not all(importlib.util.find_spec(name) for name in packages):
                continue
            logic = self.logicClass()
            (volume,) = self.addSample()
            session = logic.session(volume, self._segmentation(volume))
            session.set_range(self.first, self.last)
            self._paint(session, [one.plane for one in session.suggest(_COUNT)])
            prediction = logic.predict(session, predictor, options)
            self.assertTrue(session.look().planes(self.states.PREDICTED))
            if predictor == "guided":
                self.assertIsNotNone(prediction.expected_dice)
                session.review.accept()
                self.assertGreater(self._dice(session), 0.9)
            session.end()

    def test_the_way_of_a_clinician(self):
        """The same by the buttons of the panel, and beyond: correct, reject, undo, save, and go on."""
        widget = self.openModule()
        ui, panel = widget.ui, widget.panel
        (volume,) = self.addSample()
        ui.volumeSelector.setCurrentNode(volume)
        self._click(ui.newSegmentationButton)
        self.assertIsNotNone(panel.session, ui.statusLabel.text)
        self._range(widget)
        ui.countSpin.value = _COUNT
        self._click(ui.suggestButton)
        planes = panel.present.planes(self.states.TO_PAINT)
        self.assertEqual(len(planes), _COUNT)
        self.assertEqual(panel.plane, panel.session.state.suggestions[0][0])
        self._paint_what_is_suggested(widget)
        self._predict(widget)
        self._review(widget)
        self._undo(widget)
        self._save_and_go_on(widget)

    def openModule(self):
        """The module's widget, shown; without a window the test is skipped."""
        if slicer.util.mainWindow() is None:
            self.skipTest("there is no window")
        slicer.util.selectModule("SparseAnnotate")
        return slicer.util.getModuleWidget("SparseAnnotate")

    # What the hands do

    def _range(self, widget):
        ui, panel = widget.ui, widget.panel
        for plane, button in ((self.first, ui.firstHereButton), (self.last, ui.lastHereButton)):
            panel.jump(plane)
            self._click(button)
        self.assertEqual(panel.session.state.plane_range, (self.first, self.last))

    def _paint_what_is_suggested(self, widget):
        ui, panel = widget.ui, widget.panel
        for _turn in range(_COUNT):
            self.assertIs(panel.present.states[panel.plane], self.states.TO_PAINT)
            self._paint(panel.session, [panel.plane])
            self._click(ui.nextButton)
        self.assertEqual(len(panel.present.planes(self.states.PAINTED)), _COUNT)
        self.assertEqual(panel.present.planes(self.states.TO_PAINT), [])

    def _predict(self, widget):
        ui, panel = widget.ui, widget.panel
        ui.predictorCombo.setCurrentIndex(ui.predictorCombo.findData("shape"))
        self._click(ui.predictButton)
        self._wait(lambda: not panel.predict.is_running, ui.statusLabel)
        self.assertEqual(len(panel.present.planes(self.states.PREDICTED)), self.last - self.first + 1 - _COUNT)

    def _review(self, widget):
        """Accept and correct one slice, reject one, accept the others."""
        ui, panel = widget.ui, widget.panel
        self._click(ui.nextToCheckButton)
        corrected = panel.plane
        self._click(ui.acceptButton)
        self.assertIs(panel.present.states[corrected], self.states.ACCEPTED)
        changed = self.truth.copy()
        changed[corrected, 0, 0] = True
        self._paint(panel.session, [corrected], changed)
        self._wait(lambda: not panel.watch.is_waiting, ui.statusLabel)
        self.assertIs(panel.present.states[corrected], self.states.PAINTED)
        self._click(ui.nextToCheckButton)
        rejected = panel.plane
        self._click(ui.rejectButton)
        self.assertNotIn(rejected, panel.present.planes(self.states.PREDICTED))
        self._click(ui.acceptAllButton)
        self.assertEqual(panel.present.planes(self.states.PREDICTED), [])
        self.assertGreater(self._dice(panel.session), 0.8)

    def _undo(self, widget):
        """One step of the editor takes all back that was accepted in one, another one brings it again."""
        ui, panel = widget.ui, widget.panel
        accepted = panel.session.look().contents
        for action, again in ((ui.editor.undo, False), (ui.editor.redo, True)):
            action()
            self._wait(lambda: not panel.watch.is_waiting, ui.statusLabel)
            self.assertEqual(panel.session.look().contents == accepted, again)
            self.assertEqual(panel.present.planes(self.states.PREDICTED) == [], again)

    def _save_and_go_on(self, widget):
        from .scene.files import load_scene, save_scene

        panel = widget.panel
        states, planeRange = panel.present.states, panel.session.state.plane_range
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            save_scene(slicer.mrmlScene, path)
            self.clearScene()
            self.assertIsNone(panel.session)
            load_scene(slicer.mrmlScene, path)
            self._wait(lambda: panel.session is not None and panel.present is not None, widget.ui.statusLabel)
        self.assertEqual(panel.present.states, states)
        self.assertEqual(panel.session.state.plane_range, planeRange)
        self.assertEqual(widget.ui.editor.segmentationNode(), panel.session.segmentation_node)

    def clearScene(self):
        """Close the scene, as the user does."""
        slicer.mrmlScene.Clear()
        slicer.app.processEvents()

    def _click(self, button):
        self.assertTrue(button.enabled, f"{button.objectName}: {button.toolTip}")
        button.click()
        slicer.app.processEvents()

    def _wait(self, condition, status):
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), end, status.text)
            slicer.app.processEvents()
            time.sleep(0.01)

    def _segmentation(self, volume):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organ")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        node.GetSegmentation().AddEmptySegment("organ", "organ")
        return node

    def _paint(self, session, planes, truth=None):
        """What a brush leaves of the truth on some planes."""
        node, volume, segmentId = session.segmentation_node, session.volume_node, session.segment_ids[0]
        held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segmentId, volume).copy()
        held[planes] = (self.truth if truth is None else truth)[planes]
        slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, segmentId, volume)

    def _dice(self, session) -> float:
        node, volume = session.segmentation_node, session.volume_node
        held = slicer.util.arrayFromSegmentBinaryLabelmap(node, session.segment_ids[0], volume) > 0
        return 2.0 * float((held & self.truth).sum()) / float(held.sum() + self.truth.sum())
