"""What a user's hands do in the tests: load a scan, click, scroll, paint."""

from pathlib import Path

import numpy as np
import slicer
from standin.application import process_events, wait_until

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SHAPE = (24, 40, 48)
SPACING_MM = (1.0, 1.0, 3.0)

# Slices that `predicted_between` paints.
THREE_PAINTED = [6, 11, 17]


def ellipsoid(shape=SHAPE, first=5, last=18):
    """A structure on the planes first to last: bool (planes, rows, columns)."""
    planes, rows, columns = np.ogrid[: shape[0], : shape[1], : shape[2]]
    half = (last - first + 1.2) / 2
    along = (planes - (first + last) / 2) / half
    across = ((rows - shape[1] / 2) / (shape[1] / 3)) ** 2 + ((columns - shape[2] / 2) / (shape[2] / 3)) ** 2
    return along**2 + across < 1


def add_scan(name="CT chest", truth=None, seed=0):
    """A scan in which the structure is brighter, along K, 3 mm thick."""
    truth = ellipsoid() if truth is None else truth
    noise = np.random.default_rng(seed).normal(0, 12, truth.shape)
    return add_volume((100.0 + 60.0 * truth + noise).astype(np.float32), SPACING_MM, name)


def add_volume(array, spacing_mm, name):
    """An array (k, j, i) as a volume."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetSpacing(*spacing_mm)
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    return node


def click(button):
    """Click a button that can be clicked."""
    assert button.enabled, f"{button.objectName} is disabled: {button.toolTip}"
    button.click()
    process_events()


def choose(selector, node):
    """Choose a node in its selector."""
    selector.setCurrentNode(node)
    process_events()


def begin(panel, scan):
    """Choose a scan and make its segments."""
    choose(panel.ui.volumeSelector, scan)
    click(panel.ui.newSegmentationButton)
    assert panel.panel.session is not None, panel.ui.statusLabel.text


def scroll_to(panel, plane):
    """As the mouse wheel over the slice view does."""
    panel.panel.views.jumpTo(plane)
    process_events()
    assert panel.panel.plane == plane


def set_range(panel, first, last):
    """Click first and last slice."""
    scroll_to(panel, first)
    click(panel.ui.firstHereButton)
    scroll_to(panel, last)
    click(panel.ui.lastHereButton)


def paint(panel, truth, planes):
    """Paint the structure on some planes, as the brush leaves it, and let the panel notice."""
    session = panel.panel.session
    segment_id = panel.ui.editor.currentSegmentID() or session.segment_ids[0]
    node, volume = session.segmentation_node, session.volume_node
    held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
    held[list(planes)] = truth[list(planes)]
    slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, segment_id, volume)
    wait_until(lambda: not panel.panel.watch.is_waiting)


def change(panel, held_on, *, undoable=False):
    """Change the segment by a function of its array (planes, rows, columns); the panel does not look yet."""
    session = panel.panel.session
    segment_id = panel.ui.editor.currentSegmentID() or session.segment_ids[0]
    node, volume = session.segmentation_node, session.volume_node
    held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
    held_on(held)
    if undoable:
        panel.ui.editor.saveStateForUndo()
    slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, segment_id, volume)


def stroke(panel, held_on, *, view="Red", tool="Paint", shift=False):
    """What a tool of the segment editor does: it goes down in a view, and its stroke is written when it goes up."""
    panel.ui.editor.setActiveEffectByName(tool)
    interactor = slicer.app.layoutManager().sliceWidget(view).interactorStyle().GetInteractor()
    interactor.SetShiftKey(int(shift))
    interactor.InvokeEvent("LeftButtonPressEvent")
    change(panel, held_on, undoable=True)
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    wait_until(lambda: not panel.panel.watch.is_waiting)


def take_back(panel):
    """Ctrl+Z."""
    panel.ui.editor.undo()
    wait_until(lambda: not panel.panel.watch.is_waiting)


def suggested(panel):
    """The planes that are suggested."""
    return [one[0] for one in panel.panel.session.state.suggestions]


def choose_name(combo, name):
    """Choose a selector, a predictor or an axis."""
    combo.setCurrentIndex(combo.findData(name))
    process_events()


def state_of(panel, plane):
    return panel.panel.present.states[plane]


def predicted_between(panel, truth, first, last):
    """Three slices painted, the others from first to last predicted; slice 9 is shown."""
    begin(panel, add_scan(truth=truth))
    set_range(panel, first, last)
    paint(panel, truth, THREE_PAINTED)
    predict(panel)
    scroll_to(panel, 9)
    return panel


def predict(panel, predictor="shape", timeout_s=600):
    """Predict and wait for the end."""
    choose_name(panel.ui.predictorCombo, predictor)
    click(panel.ui.predictButton)
    assert panel.panel.predict.is_running, panel.ui.statusLabel.text
    wait_until(lambda: not panel.panel.predict.is_running, timeout_s)
    process_events()
