"""Where the image tells a structure, what is expected of it follows how far it agrees; and what may go on."""

import cv2
import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.quality.agreed import JUDGES, Judges, tells
from SparseAnnotateLib.quality.expected import _interval, with_expected_quality
from SparseAnnotateLib.quality.image_agreement import image_agreement
from SparseAnnotateLib.quality.told import Told
from SparseAnnotateLib.quality.vanished import sizes_px

PLANES = 48
Y, X = np.mgrid[:48, :56] - np.array([24, 28])[:, None, None]
AWAY = np.hypot(Y, X)


def chess_board(k):
    return (AWAY <= 20) & ((Y // 6 + X // 6 + k // 5) % 2 == 0)


def rings(k):
    return (np.floor(np.hypot(AWAY, 0.8 * (k - 24)) / 4) % 2 == 0) & (AWAY <= 22)


def grating(k):
    return (AWAY <= 20) & ((X + k // 3) % 8 < 4)


def image_of(truth, contrast):
    """Blurred by a pixel, with noise."""
    blurred = np.stack([cv2.GaussianBlur((plane > 0).astype(np.float32), (0, 0), 1.0) for plane in truth])
    return (blurred * contrast + np.random.default_rng(0).normal(0, 18, truth.shape)).astype(np.float32)


def predicted(truth, planes, contrast=60, predictor="guided"):
    """The prediction with what is told, what its predictor said itself, and its true Dice."""
    annotation = SparseAnnotation.from_painted_planes(truth, planes).with_range(0, PLANES - 1)
    volume = Volume.from_array(image_of(truth, contrast), (1.0, 1.0, 1.0))
    said = run(PREDICTORS.create(predictor), volume, annotation)
    found = with_expected_quality(said, annotation, volume.spacing_mm, predictor, volume.intensities)
    both = np.count_nonzero(found.labels & truth)
    return found, said.expected_dice, 2 * both / (np.count_nonzero(found.labels) + np.count_nonzero(truth))


@pytest.mark.parametrize("kind", [chess_board, rings, grating], ids=lambda kind: kind.__name__)
def test_branched_structures_that_the_image_shows_are_not_promised_too_little(kind):
    truth = np.stack([kind(k) for k in range(PLANES)]).astype(np.uint8)
    prediction, said, true = predicted(truth, [7, 24, 40])
    assert said < true - 0.02
    assert prediction.expected_dice == pytest.approx(true, abs=0.06)
    low, high = prediction.expected_dice_interval
    assert low < true < high
    assert "not_shown" not in prediction.details


@pytest.mark.parametrize("kind", [chess_board, rings, grating], ids=lambda kind: kind.__name__)
def test_of_interpolated_outlines_as_much_is_promised_as_the_image_agrees_with(kind):
    truth = np.stack([kind(k) for k in range(PLANES)]).astype(np.uint8)
    prediction, _, true = predicted(truth, [7, 24, 40], predictor="shape")
    annotation = SparseAnnotation.from_painted_planes(truth, [7, 24, 40]).with_range(0, PLANES - 1)
    without = with_expected_quality(prediction, annotation, (1.0, 1.0, 1.0), "shape")
    assert abs(prediction.expected_dice - true) < min(abs(without.expected_dice - true), 0.12)
    low, high = prediction.expected_dice_interval
    assert low < true < high


@pytest.mark.parametrize(
    "organ",
    [
        lambda k: np.hypot(Y - 9 * np.sin(k / 5), X) <= 9,
        lambda k: np.hypot(Y, X - 9 * np.cos(k / 6)) <= 8 + 3 * np.sin(k / 4),
        lambda k: (np.abs(Y - 10 * np.sin(k / 8)) <= 8) & (np.abs(X) <= 10),
    ],
    ids=["wanders", "swells", "a box"],
)
def test_of_what_the_image_does_not_show_no_more_is_promised_than_interpolation_keeps(organ):
    truth = np.stack([organ(k) for k in range(PLANES)]).astype(np.uint8)
    prediction, said, true = predicted(truth, [7, 24, 40], contrast=0)
    assert prediction.expected_dice < said - 0.03
    assert prediction.expected_dice == pytest.approx(true, abs=0.12)
    low, high = prediction.expected_dice_interval
    assert low < true < high
    assert any(warning.startswith("the image does not show class 1") for warning in prediction.details["warnings"])
    outlines, _, _ = predicted(truth, [7, 24, 40], contrast=0, predictor="shape")
    assert any(warning.startswith("the image does not show class 1") for warning in outlines.details["warnings"])


@pytest.mark.parametrize(
    ("contrast", "exposed", "unseen", "told"),
    [(0.9, 1.0, 0.0, True), (0.4, 1.0, 0.0, False), (0.9, 0.5, 0.0, False), (0.7, 1.0, 2.0, False)],
    ids=["shown", "hardly shown", "beside others", "may go on"],
)
def test_the_image_tells_where_it_shows_a_structure_free_of_others_that_ends_where_it_is_seen(
    contrast, exposed, unseen, told
):
    assert tells(np.array([contrast]), np.array([exposed]), np.array([unseen]))[0] == pytest.approx(
        float(told), abs=0.02
    )


def test_nothing_known_tells_nothing():
    assert tells(np.array([np.nan]), np.array([np.nan]), np.array([np.nan]))[0] < 1e-4


def test_both_judges_count_as_much_as_their_weights():
    judges = Judges(always=0.5, said=0.25, image=0.75)
    shift = judges.shifts(np.array([0.8]), np.array([0.95]), np.array([1.0]))
    wanted = 0.5 + 0.25 * np.log(0.2 / 0.8) + 0.75 * np.log(0.05 / 0.95)
    assert shift[0] == pytest.approx(wanted - np.log(0.2 / 0.8))
    assert judges.shifts(np.array([0.8]), np.array([0.95]), np.array([0.0]))[0] == 0


def test_an_image_that_agrees_raises_what_is_expected_and_one_that_does_not_changes_nothing():
    agrees, half, not_at_all = JUDGES.shifts(np.array([0.8, 0.8, 0.8]), np.array([1.0, 0.95, 0.5]), np.ones(3))
    assert agrees < half < -0.2
    assert not_at_all == 0


def test_wholly_agreed_leaves_a_hundredth_open():
    all_of_it, nearly = JUDGES.shifts(np.array([0.8, 0.8]), np.array([1.0, 0.99]), np.ones(2))
    assert all_of_it == pytest.approx(nearly)


def test_an_outline_is_exposed_where_no_other_structure_lies_next_to_it():
    truth = np.zeros((PLANES, *AWAY.shape), np.uint8)
    truth[:, 10:30, 10:20], truth[:, 10:30, 20:30], truth[:, 36:44, 40:50] = 1, 2, 3
    annotation = SparseAnnotation.from_painted_planes(truth, [4, 24, 43]).with_range(0, PLANES - 1)
    exposed = image_agreement(truth, annotation, image_of(truth, 30)).exposed
    # Of the 60 pixels around 10 x 20, 20 belong to the other.
    assert exposed == pytest.approx([2 / 3, 2 / 3, 1])


class TestWhatMayGoOn:
    def told(self):
        annotation = SparseAnnotation.from_painted_planes(np.ones((3, 2, 4), np.uint8), [0]).with_range(0, 2)
        per_structure = np.array([[np.nan], [0.8], [0.6]], np.float32)
        return annotation, Told(np.array([np.nan, 0.8, 0.6], np.float32), 0.75, {"class 1": 0.75}, per_structure)

    def test_each_pixel_of_a_structure_counts_once_and_what_may_be_missed_half(self):
        annotation, told = self.told()
        labels = np.zeros((3, 2, 4), np.uint8)
        labels[:, 0] = 1
        sizes = sizes_px(labels, 1)
        assert sizes.tolist() == [[4], [4], [4]]
        doubted = told.doubted(sizes, np.array([[0.0], [8.0], [0.0]]), annotation)
        # Of 12 pixels found, which are 24 in 2 TP / (P + T), 8 more are true: 24 / 32.
        assert doubted.per_class["class 1"] == pytest.approx(0.75 * 12 / 16, abs=1e-4)
        assert doubted.whole == pytest.approx(0.75 * 12 / 16, abs=1e-4)
        assert doubted.per_structure[1:, 0] == pytest.approx([0.8 * 4 / 8, 0.6])
        assert doubted.per_plane[1:] == pytest.approx([0.8 * 4 / 8, 0.6])

    def test_pixels_are_counted_once_for_all_that_is_asked(self, monkeypatch):
        from SparseAnnotateLib.quality import expected

        truth = np.stack([chess_board(k) for k in range(PLANES)]).astype(np.uint8)
        annotation = SparseAnnotation.from_painted_planes(truth, [4, 24, 43]).with_range(0, PLANES - 1)
        image, counted = image_of(truth, 90), []
        prediction = run(PREDICTORS.create("shape"), Volume.from_array(image, (1.0, 1.0, 1.0)), annotation)
        monkeypatch.setattr(expected, "sizes_px", lambda *given: counted.append(1) or sizes_px(*given))
        known = expected.evidence_of(prediction, annotation, (1.0, 1.0, 1.0), "shape", image)
        assert known.least.whole < known.told.whole < known.most.whole
        assert len(counted) == 1

    def test_the_interval_reaches_most_of_the_way_to_all_of_it(self):
        assert _interval(0.8, (0, 0), 0.8, 0.8) == pytest.approx((0.8, 0.8))
        low, high = _interval(0.8, (0, 0), 0.6, 0.9)
        assert 0.6 < low < 0.7
        assert 0.85 < high < 0.9
        wider = _interval(0.8, (-0.3, 0.3), 0.6, 0.9)
        assert wider[0] < low
        assert wider[1] > high
