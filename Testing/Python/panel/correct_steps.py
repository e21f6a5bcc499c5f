"""What docs/guide/tutorial_correct.md says, done: one function a step, as in `tutorial_steps`."""

import numpy as np
import slicer
from SparseAnnotateSlicer.scene.sample import addSample
from SparseAnnotateSlicer.session.planes import PlaneState
from tutorial_steps import Step

COUNT, TOO_LARGE_PIXELS = 3, 3


def say_that_a_program_made_it(desk):
    """Segments of which every slice is filled, and too large."""
    from scipy import ndimage

    (volume,) = addSample()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nnU-Net")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    organ = node.GetSegmentation().AddEmptySegment("", "organ")
    made = np.stack([ndimage.binary_dilation(one, iterations=TOO_LARGE_PIXELS) for one in desk.truth])
    slicer.util.updateSegmentBinaryLabelmapFromArray(made.astype(np.uint8), node, organ, volume)
    desk.ui.volumeSelector.setCurrentNode(volume)
    desk.wait()
    desk.ui.segmentationSelector.setCurrentNode(node)
    desk.wait()
    desk.cut_through_the_organ()
    assert desk.ui.originFrame.visible
    desk.picture("correct_1_question.png")
    desk.click(desk.ui.originProgramButton)
    assert desk.panel.session.initial_node.GetName() == "nnU-Net of a program"
    assert len(desk.panel.present.planes(PlaneState.PREDICTED)) == int(made.any(axis=(1, 2)).sum())


def ask_which_slices_to_correct(desk):
    """Three slices."""
    desk.ui.countSpin.value = COUNT
    desk.click(desk.ui.suggestButton)
    desk.wait_until(lambda: not desk.panel.suggest.is_running)
    assert desk.panel.views._badge.GetInput().startswith(f"to correct, 1 of {COUNT}")


def correct_them(desk):
    """Each as the organ is; the last one is in view."""
    for turn in range(COUNT):
        plane = desk.panel.plane
        desk.panel.attempt(lambda: desk.panel.session.review.accept([plane]))  # noqa: B023 - called at once
        desk.paint([plane])
        if turn < COUNT - 1:
            desk.click(desk.ui.nextButton)
    assert len(desk.panel.present.painted) == COUNT


def predict(desk):
    """By `shape`, which needs no packages."""
    desk.choose(desk.ui.predictorCombo, "shape")
    desk.click(desk.ui.predictButton)
    desk.wait_until(lambda: not desk.panel.predict.is_running)
    assert "expected Dice" in desk.ui.statusLabel.text


def check_and_accept_the_rest(desk):
    """The worst one, and then all."""
    desk.click(desk.ui.nextToCheckButton)
    desk.click(desk.ui.acceptAllButton)
    labels = desk.panel.session.look().layers.labels > 0
    assert 2 * (labels & desk.truth).sum() / (labels.sum() + desk.truth.sum()) > 0.97


STEPS = (
    Step("Say that a program made it", say_that_a_program_made_it, None),
    Step("Ask which slices to correct", ask_which_slices_to_correct, "correct_2_suggested.png"),
    Step("Correct them", correct_them, "correct_3_corrected.png"),
    Step("Predict", predict, "correct_4_predicted.png"),
    Step("Check, and accept the rest", check_and_accept_the_rest, None),
)
