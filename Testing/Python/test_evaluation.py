"""The simulated expert, what a simulation measures, and the picture of it."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SELECTORS, InputError, LabelClass, Prediction, Volume
from SparseAnnotateLib.evaluation.pictures.picture import draw, planes_to_show
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.simulation import simulate


@pytest.fixture
def a_reference():
    """Values 4 on planes 2 to 7 and 9 on planes 4 to 5, of 10 planes of 6 x 6."""
    labels = np.zeros((10, 6, 6), np.uint8)
    labels[2:8, 1:5, 1:5] = 4
    labels[4:6, 2:4, 2:4] = 9
    return labels


class TestTheExpert:
    def test_clicks_the_first_and_the_last_plane_that_holds_a_label(self, a_reference):
        assert SimulatedExpert(a_reference).plane_range == (2, 7)

    def test_paints_exactly_what_the_reference_has(self, a_reference):
        expert = SimulatedExpert(a_reference)
        annotation = expert.paint([4, 7])
        assert annotation.painted_planes == [4, 7]
        assert np.array_equal(annotation.to_values(annotation.labels)[[4, 7]], a_reference[[4, 7]])
        assert not annotation.labels[[3, 5, 6]].any()

    def test_knows_the_painted_planes_and_all_outside_the_range_and_nothing_else(self, a_reference):
        known = SimulatedExpert(a_reference).paint([4]).known
        assert known.all(axis=(1, 2)).tolist() == [True] * 2 + [False, False, True] + [False] * 3 + [True] * 2
        assert not known[[2, 3, 5, 6, 7]].any()

    def test_leaves_out_classes_that_the_scan_does_not_have(self, a_reference):
        classes = (LabelClass(1, "absent"), LabelClass(4, "organ"), LabelClass(9, "tumour"))
        expert = SimulatedExpert(a_reference, classes)
        assert [one.name for one in expert.classes] == ["organ", "tumour"]
        assert np.array_equal(np.array([0, 4, 9])[expert.reference], a_reference)

    def test_does_not_paint_outside_the_range(self, a_reference):
        with pytest.raises(InputError, match="plane 1 lies outside the structures' range 2 to 7"):
            SimulatedExpert(a_reference).paint([1])

    def test_refuses_a_scan_without_labels(self):
        with pytest.raises(InputError, match="the reference holds no label"):
            SimulatedExpert(np.zeros((3, 4, 5), np.uint8))


def test_a_simulation_counts_unpainted_planes_of_the_range_only(a_reference):
    volume = Volume.from_array(a_reference.astype(np.float32), (2.0, 1.0, 1.0))
    expert = SimulatedExpert(a_reference)
    outcome = simulate(volume, expert, SELECTORS.create("keep-n"), PREDICTORS.create("nearest"), planes=[2, 4])
    measured = outcome.measured
    # Plane 3 copies plane 2, and 5 to 7 copy 4, which is right for value 4 but for the hole where 9 stands on 6 and 7.
    organ, tumour = 2 * (6 * 16 - 2 * 4 - 2 * 4) / (2 * 6 * 16 - 2 * 4 - 4 * 4), 2 * 8 / (8 + 16)
    assert measured["dice_per_class"] == {"4": pytest.approx(organ), "9": pytest.approx(tumour)}
    assert measured["dice_all"] == pytest.approx((organ + tumour) / 2)
    unpainted = (2 * (16 + 12 + 12 + 12) / (16 + 12 + 12 + 12 + 16 + 12 + 16 + 16), 2 * 4 / (4 + 12))
    assert measured["dice_unpainted"] == pytest.approx(np.mean(unpainted))
    assert measured["planes_painted"] == [2, 4]


def test_the_planes_to_show_are_predicted_ones_from_worst_to_upper_quartile():
    reference = np.ones((9, 2, 2), np.uint8)
    per_plane = np.array([1.0, 0.5, 0.9, 0.8, 1.0, 0.6, 0.7, 0.95, 1.0])
    # Ranked .5 .6 .7 .8 .9 .95: places 0, 1.25, 2.5, 3.75 of 0 to 5, rounded.
    assert planes_to_show(reference, per_plane, [0, 4, 8]) == [1, 2, 5, 6]


def test_the_picture_is_drawn_also_where_nothing_is_left_to_predict(a_reference, tmp_path):
    volume = Volume.from_array(a_reference.astype(np.float32))
    expert = SimulatedExpert(a_reference)
    draw(tmp_path / "all.png", volume, expert, Prediction(expert.reference), list(range(2, 8)), "everything painted")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
