"""Which slice is worth checking: the one on which most is wrong; and of several structures, which."""

import numpy as np
import pytest
from hands import add_scan, begin, change, click, ellipsoid, predict, set_range
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import wait_until

PLANES = [6, 11, 17]


@pytest.fixture
def truth():
    """A large structure, and a small one beside it that begins in the middle."""
    large = ellipsoid()
    small = np.zeros_like(large)
    small[8:15, 2:6, 2:6] = True
    return large, small & ~large


@pytest.fixture
def two_structures(scene, panel, truth):  # noqa: ARG001 - emptied first
    begin(panel, add_scan(truth=truth[0] | truth[1]))
    segmentation = panel.panel.session.segmentation_node.GetSegmentation()
    first = panel.panel.session.segment_ids[0]
    segmentation.GetSegment(first).SetName("liver")
    second = segmentation.AddEmptySegment("kidney", "left kidney")
    set_range(panel, 5, 18)
    for segment_id, one in zip((first, second), truth, strict=True):
        panel.ui.editor.setCurrentSegmentID(segment_id)

        def paint(array, one=one):
            array[PLANES] = one[PLANES]

        change(panel, paint)
    wait_until(lambda: not panel.panel.watch.is_waiting)
    predict(panel)
    panel.panel.session.state.expected_dice_of = {
        first: dict.fromkeys(range(5, 19), 0.9),
        second: dict.fromkeys(range(8, 15), 0.2),
    }
    panel.panel.session.state.expected_dice = {plane: 0.55 if 8 <= plane < 15 else 0.9 for plane in range(5, 19)}
    panel.panel.refresh()
    return panel


def area(panel, plane):
    return panel.panel.session.review.predicted_area(plane)


def test_the_slice_with_the_most_to_mend_comes_first_not_the_one_of_the_lowest_dice(two_structures):
    panel, session = two_structures, two_structures.panel.session
    session.state.expected_dice = {**session.state.expected_dice, 5: 0.5}
    session.state.expected_dice_of = {}
    assert area(panel, 5) < area(panel, 12)
    assert min(session.state.expected_dice.values()) == 0.5
    click(panel.ui.nextToCheckButton)
    wrong = {plane: session.review.expected_wrong_mm2(plane) for plane in panel.panel.present.pending}
    assert panel.panel.plane == max(wrong, key=wrong.get)
    assert panel.panel.plane != 5


def test_what_is_expected_to_be_wrong_is_told_in_mm2_of_all_structures(two_structures):
    session = two_structures.panel.session
    labels = session.review.labels.all()[12]
    large, small = (int((labels == number).sum()) for number in (1, 2))
    assert session.review.expected_wrong_mm2(12) == pytest.approx(0.1 * large + 0.8 * small)
    assert session.review.expected_wrong_mm2(2) is None


def test_badge_and_tooltip_name_the_worst_structure(two_structures):
    from SparseAnnotateSlicer.panel.planes import badge

    panel = two_structures
    assert badge(panel.panel.session, panel.panel.present, 12) == "predicted, left kidney .20, liver .90"
    assert badge(panel.panel.session, panel.panel.present, 16) == "predicted, .90"
    panel.panel.strip._shown = None
    panel.panel.show()
    assert "left kidney .20, liver .90" in panel.panel.strip.widget.textOf(12)


def test_the_strip_shows_the_selected_structure(two_structures):
    panel = two_structures
    liver, kidney = panel.panel.session.segment_ids

    def shown(segment_id):
        panel.ui.editor.setCurrentSegmentID(segment_id)
        panel.ui.editor.currentSegmentIDChanged.emit(segment_id)
        planes = panel.panel.strip.widget.model.planes
        assert planes[12].state is PlaneState.PREDICTED
        return planes[12].expected_dice, planes[16].expected_dice

    assert shown(liver) == (0.9, 0.9)
    assert shown(kidney) == (0.2, None)


def test_a_saved_session_knows_the_dice_of_each_structure(two_structures):
    from SparseAnnotateSlicer.session.state import SessionState

    state = two_structures.panel.session.state
    assert SessionState.from_json(state.to_json()).expected_dice_of == state.expected_dice_of


def test_a_prediction_tells_the_dice_of_each_structure(two_structures):
    panel = two_structures
    predict(panel)
    of = panel.panel.session.state.expected_dice_of
    assert set(of) == set(panel.panel.session.segment_ids)
    dice = panel.panel.session.state.expected_dice
    assert np.mean([of[one][12] for one in of]) == pytest.approx(dice[12], abs=1e-3)
