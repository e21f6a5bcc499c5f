"""What docs/guide/tutorial.md says, done: one function a step, named after it. The pictures are taken after each."""

from collections.abc import Callable
from dataclasses import dataclass

from SparseAnnotateSlicer.scene.sample import FIRST, LAST, addSample
from SparseAnnotateSlicer.session.planes import PlaneState

COUNT = 4


@dataclass(frozen=True)
class Step:
    """A numbered heading of the tutorial.

    Attributes
    ----------
    title : the heading without its number
    do : does it on a desk, see `desk.Desk`
    picture : file name of what is seen then, or None
    """

    title: str
    do: Callable
    picture: str | None


def open_the_module(desk):
    """Nothing is chosen yet."""
    assert desk.panel.session is None
    assert not desk.ui.suggestButton.enabled


def choose_the_scan(desk):
    """The made-up scan of Sample Data, and segments for it by one click."""
    (volume,) = addSample()
    desk.ui.volumeSelector.setCurrentNode(volume)
    desk.wait()
    desk.click(desk.ui.newSegmentationButton)
    assert desk.panel.session.volume_node is volume
    assert desk.panel.session.state.axis == "k"
    desk.cut_through_the_organ()


def say_where_it_begins_and_ends(desk):
    """First and last slice."""
    desk.scroll_to(FIRST)
    desk.click(desk.ui.firstHereButton)
    desk.scroll_to(LAST)
    desk.click(desk.ui.lastHereButton)
    assert desk.panel.session.state.plane_range == (FIRST, LAST)


def ask_which_slices_to_paint(desk):
    """Four slices."""
    desk.ui.countSpin.value = COUNT
    desk.click(desk.ui.suggestButton)
    assert len(desk.panel.present.planes(PlaneState.TO_PAINT)) == COUNT
    assert desk.panel.present.states[desk.panel.plane] is PlaneState.TO_PAINT


def paint_them(desk):
    """Two painted, the third one in view; its picture is taken then."""
    for _turn in range(2):
        desk.paint([desk.panel.plane])
        desk.click(desk.ui.nextButton)
    assert len(desk.panel.present.planes(PlaneState.PAINTED)) == 2
    assert desk.ui.positionLabel.text == f"slice {desk.panel.plane}, 3 of {COUNT}"


def predict_the_others(desk):
    """The other two painted, and Predict."""
    while desk.panel.present.planes(PlaneState.TO_PAINT):
        desk.paint([desk.panel.plane])
        desk.click(desk.ui.nextButton)
    assert desk.ui.predictorCombo.itemData(desk.ui.predictorCombo.currentIndex) == "guided"
    desk.click(desk.ui.predictButton)
    assert desk.ui.predictButton.text == "Cancel"
    desk.wait_until(lambda: desk.ui.progressBar.value > 150 or not desk.panel.predict.is_running)


def look_at_the_worst(desk):
    """The prediction has come; Next to check leads to the slice on which most mm2 are expected to be wrong."""
    desk.wait_until(lambda: not desk.panel.predict.is_running)
    assert len(desk.panel.present.planes(PlaneState.PREDICTED)) == LAST - FIRST + 1 - COUNT
    desk.click(desk.ui.nextToCheckButton)
    wrong_mm2 = desk.panel.session.review.expected_wrong_mm2
    assert desk.panel.plane == max(desk.panel.present.planes(PlaneState.PREDICTED), key=wrong_mm2)


def correct_it(desk):
    """Accept, then paint over it: it counts as painted."""
    worst = desk.panel.plane
    desk.click(desk.ui.acceptButton)
    assert desk.panel.present.states[worst] is PlaneState.ACCEPTED
    truth = desk.truth.copy()
    truth[worst] = False
    truth[worst, 1:, :] = desk.truth[worst, :-1, :]
    desk.paint([worst], truth)
    assert desk.panel.present.states[worst] is PlaneState.PAINTED
    assert "1 corrected" in desk.ui.statusLabel.text


def predict_again_or_ask_for_more(desk):
    """Two more slices, where they help most; suggestions stand beside what is predicted."""
    assert desk.ui.suggestButton.text == "Suggest more"
    desk.ui.countSpin.value = 2
    desk.click(desk.ui.suggestButton)
    desk.wait_until(lambda: desk.ui.suggestButton.text != "Cancel")
    waiting = [one for one in desk.panel.strip_planes() if one.state is PlaneState.TO_PAINT]
    assert len(waiting) == 2


def let_it_follow_the_brush(desk):
    """As I paint: the first of the two slices is painted, and the one beside it has changed."""
    desk.ui.liveCheck.setChecked(True)
    predicted_by_itself(desk)
    painted = desk.panel.to_paint()[0]
    labels = desk.panel.session.review.labels.all().copy()
    desk.paint([painted])
    predicted_by_itself(desk)
    desk.scroll_to(painted + 1)
    assert (desk.panel.session.review.labels.all()[painted + 1] != labels[painted + 1]).any()
    assert painted not in desk.panel.present.pending
    if not desk.ui.predictFrame.visible:
        desk.click(desk.ui.predictTab)
    assert desk.ui.liveCheck.checked


def predicted_by_itself(desk):
    """Wait until nothing is on its way, and nothing is due."""
    live = desk.panel.live
    desk.wait_until(lambda: not live.is_waiting)


def accept_the_rest(desk):
    """Paint the other one, which is predicted from by itself, and accept all."""
    desk.paint(desk.panel.to_paint())
    predicted_by_itself(desk)
    desk.click(desk.ui.acceptAllButton)
    # As it is at first.
    desk.ui.liveCheck.setChecked(False)
    assert desk.panel.present.planes(PlaneState.PREDICTED) == []
    assert desk.panel.present.planes(PlaneState.ACCEPTED)


STEPS = (
    Step("Open the module", open_the_module, "1_open.png"),
    Step("Choose the scan", choose_the_scan, "2_scan.png"),
    Step("Say where it begins and ends", say_where_it_begins_and_ends, "3_range.png"),
    Step("Ask which slices to paint", ask_which_slices_to_paint, "4_suggested.png"),
    Step("Paint them", paint_them, "5_painting.png"),
    Step("Predict the others", predict_the_others, "6_predicting.png"),
    Step("Look at the worst", look_at_the_worst, "7_predicted.png"),
    Step("Correct it", correct_it, "8_corrected.png"),
    Step("Predict again, or ask for more", predict_again_or_ask_for_more, "9_more.png"),
    Step("Let it follow the brush", let_it_follow_the_brush, "10_live.png"),
    Step("Accept the rest", accept_the_rest, "11_accepted.png"),
)
