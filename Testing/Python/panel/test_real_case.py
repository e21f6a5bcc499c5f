"""The whole story on a real scan, painted by the simulated expert."""

import numpy as np
import pytest
import slicer
from hands import begin, click, paint, predict, set_range, suggested
from SparseAnnotateSlicer.scene import files
from SparseAnnotateSlicer.session.planes import PlaneState


@pytest.mark.slow
def test_a_prostate_from_the_first_click_to_accepted_masks(panel, real_data, tmp_path):
    folder = real_data / "PROMISE12_demo0"
    scan = files.load_volume(slicer.mrmlScene, folder / "image.nii.gz")
    reference = files.load_volume(slicer.mrmlScene, folder / "label.nii.gz")
    truth = slicer.util.arrayFromVolume(reference) > 0
    slicer.mrmlScene.RemoveNode(reference)
    planes = np.flatnonzero(truth.any(axis=(1, 2)))

    begin(panel, scan)
    set_range(panel, int(planes[0]), int(planes[-1]))
    panel.ui.countSpin.setValue(6)
    click(panel.ui.suggestButton)
    assert len(suggested(panel)) == 6
    paint(panel, truth, suggested(panel))
    predict(panel, "guided", timeout_s=300)
    present, session = panel.panel.present, panel.panel.session
    assert len(present.planes(PlaneState.PREDICTED)) == len(planes) - 6
    assert session.state.expected_dice_volume > 0.7

    click(panel.ui.nextToCheckButton)
    click(panel.ui.acceptButton)
    paint(panel, truth, [panel.panel.plane])
    click(panel.ui.acceptAllButton)
    assert "1 corrected" in panel.panel.status.summary()
    files.save_scene(slicer.mrmlScene, tmp_path / "prostate.mrb")

    held = slicer.util.arrayFromSegmentBinaryLabelmap(
        session.segmentation_node, session.segment_ids[0], session.volume_node
    ).astype(bool)
    painted = [*suggested(panel), panel.panel.plane]
    np.testing.assert_array_equal(held[painted], truth[painted])
    assert 2 * (held & truth).sum() / (held.sum() + truth.sum()) > 0.85
