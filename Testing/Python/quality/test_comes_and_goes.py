"""What comes and goes between painted planes is promised as far as the image agrees, and named."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.quality.comes_back import coming_back, shifts
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.quality.image_agreement import image_agreement

PLANES = 60
ROWS, COLUMNS = np.mgrid[:48, :56]
AWAY = np.hypot(ROWS - 24, COLUMNS - 28)
SPACING = (1.0, 1.0, 1.0)


def stacked_discs(k):
    return (AWAY <= 14) & ((k // 4) % 2 == 0)


def ladder(k):
    return (AWAY <= 15) & (k % 10 < 6)


def ribs(k):
    return (np.abs(AWAY - 17) <= 2.2) & ((k + ROWS // 3) % 12 < 5)


def chess_board(k):
    return (AWAY <= 20) & ((ROWS // 8 + COLUMNS // 8 + k // 4) % 2 == 0)


def teeth(k):
    """A bar that goes on, and teeth that come and go beside it."""
    bar = (np.abs(ROWS - 12) <= 4) & (np.abs(COLUMNS - 28) <= 18)
    return bar | ((np.abs(ROWS - 28) <= 11) & (np.abs(COLUMNS - 28) <= 18) & (k % 12 < 6))


def vertebrae(k):
    body, arch = np.hypot(ROWS - 17, COLUMNS - 28) <= 10, np.abs(np.hypot(ROWS - 34, COLUMNS - 28) - 6) <= 1.8
    return (body & (k % 12 < 7)) | (arch & (k % 12 in range(3, 9)))


KINDS = [stacked_discs, ladder, ribs, chess_board, teeth, vertebrae]


def truth_of(kind):
    return np.stack([kind(k) for k in range(PLANES)]).astype(np.uint8)


def told(truth, planes, predictor, contrast=100):
    """The prediction with what is expected of it, and its true Dice."""
    annotation = SparseAnnotation.from_painted_planes(truth, planes).with_range(0, PLANES - 1)
    noise = np.random.default_rng(0).normal(0, 15, truth.shape)
    volume = Volume.from_array((truth * contrast + noise).astype(np.float32), SPACING)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    both = np.count_nonzero(prediction.labels & truth)
    true = 2 * both / (np.count_nonzero(prediction.labels) + np.count_nonzero(truth))
    return with_expected_quality(prediction, annotation, SPACING, predictor, volume.intensities), true


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("step", [10, 12])
def test_no_more_is_promised_than_the_image_agrees_with(kind, predictor, step):
    prediction, true = told(truth_of(kind), range(step // 2, PLANES, step), predictor)
    assert prediction.expected_dice <= true + 0.1
    low, high = prediction.expected_dice_interval
    assert low < prediction.expected_dice < high
    assert low <= true


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
@pytest.mark.parametrize("kind", [ladder, stacked_discs])
def test_planes_where_the_image_shows_something_else_are_named(kind, predictor):
    truth = truth_of(kind)
    planes = range(4, 60, 10) if kind is ladder else range(1, 60, 8)
    prediction, true = told(truth, planes, predictor)
    named = prediction.details["unlike"]["class 1"]
    assert named
    assert not truth[named].any()
    assert any("changes and comes back" in one and "class 1" in one for one in prediction.details["warnings"])
    assert prediction.expected_dice == pytest.approx(true, abs=0.1)


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
def test_planes_where_the_image_shows_what_was_not_predicted_are_named(predictor):
    truth = truth_of(stacked_discs)
    prediction, true = told(truth, [5, 15, 25, 35, 45, 55], predictor)
    missed = prediction.details["missed"]["class 1"]
    assert set(range(8, 12)) <= set(missed)
    assert not prediction.labels[missed].any()
    assert truth[missed].any(axis=(1, 2)).all()
    assert (prediction.expected_dice_per_plane[missed] == 0).all()
    assert prediction.expected_dice == pytest.approx(true, abs=0.1)
    assert any("looks like class 1" in sentence for sentence in prediction.details["warnings"])


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
def test_what_goes_on_is_promised_as_before(predictor):
    truth = truth_of(lambda k: np.hypot(ROWS - 24, COLUMNS - 28 - k / 12) <= 13)
    planes = range(5, PLANES, 10)
    prediction, true = told(truth, planes, predictor)
    assert prediction.details["warnings"] == []
    assert prediction.expected_dice == pytest.approx(true, abs=0.05)


@pytest.mark.parametrize("predictor", ["guided", "shape"])
def test_the_image_makes_nobody_say_more_or_of_other_planes(predictor):
    truth = truth_of(stacked_discs)
    annotation = SparseAnnotation.from_painted_planes(truth, [5, 15, 25, 35, 45, 55]).with_range(0, PLANES - 1)
    volume = Volume.from_array((100 * truth).astype(np.float32), SPACING)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    without = with_expected_quality(prediction, annotation, SPACING, predictor).expected_dice_per_structure
    having = with_expected_quality(prediction, annotation, SPACING, predictor, volume.intensities)
    np.testing.assert_array_equal(np.isfinite(having.expected_dice_per_structure), np.isfinite(without))
    assert not np.isfinite(without[[5, 15, 25, 35, 45, 55]]).any()
    if predictor == "guided":
        assert np.nanmax(having.expected_dice_per_structure - without) <= 0


def test_what_was_painted_counts_for_what_is_promised():
    # A tube that moves by more than its width between painted planes: nothing is predicted where the image shows it.
    tube = np.stack([np.hypot(ROWS - 24, COLUMNS - 8 - 3 * (k % 12)) <= 5 for k in range(PLANES)]).astype(np.uint8)
    for planes in (range(0, PLANES, 4), range(0, PLANES, 2)):
        prediction, true = told(tube, planes, "shape")
        assert prediction.expected_dice == pytest.approx(true, abs=0.1)
    annotation = SparseAnnotation.from_painted_planes(tube, range(0, PLANES, 4))
    nothing = np.where(annotation.painted[:, None, None], tube, 0)
    said = image_agreement(nothing, annotation, 100.0 * tube)
    # Nothing was predicted: that is what `vanished` and `missed` are for.
    assert said.most_per_structure()[0] == 1
    nothing[1] = tube[1]
    assert image_agreement(nothing, annotation, 100.0 * tube).most_per_structure()[0] == pytest.approx(0.42, abs=0.03)


def test_an_image_that_shows_nothing_takes_nothing_away():
    truth = truth_of(stacked_discs)
    annotation = SparseAnnotation.from_painted_planes(truth, range(5, PLANES, 10))
    for image in (np.zeros(truth.shape), np.random.default_rng(0).normal(0, 1, truth.shape)):
        said = image_agreement(annotation.labels, annotation, image.astype(np.float32))
        assert said.contrast[0] < 0.1
        assert said.most_per_structure()[0] > 0.9
        assert not said.missed_px().any()
        assert not said.unlike().any()


def test_a_perfect_prediction_has_the_whole_agreement():
    truth = truth_of(ladder)
    annotation = SparseAnnotation.from_painted_planes(truth, range(4, PLANES, 10))
    said = image_agreement(truth, annotation, (100 * truth).astype(np.float32))
    assert said.most_per_structure()[0] > 0.98
    assert not said.missed_px().any()
    assert not said.unlike().any()


def test_what_looks_alike_but_carries_another_label_is_not_missed():
    truth = np.repeat((AWAY <= 13)[None], PLANES, axis=0).astype(np.uint8)
    truth[30:] *= 2
    annotation = SparseAnnotation.from_painted_planes(truth, [5, 15, 25, 35, 45, 55])
    said = image_agreement(truth, annotation, (100.0 * (truth > 0)).astype(np.float32))
    assert not said.missed_px().any()


def test_structures_on_planes_of_their_own_are_judged_from_these():
    ladder_there, disc_there = truth_of(ladder), np.hypot(ROWS - 6, COLUMNS - 8) <= 4
    truth = np.where(disc_there, 2, ladder_there).astype(np.uint8)
    painted = {1: [4, 14, 24, 34, 44, 54], 2: [0, 20, 40, 59]}
    labels = np.zeros_like(truth)
    for number, planes in painted.items():
        labels[planes] = np.where(truth[planes] == number, number, labels[planes])
    annotation = SparseAnnotation.from_painted_planes(labels, sorted({*painted[1], *painted[2]})).with_complete(painted)
    carried = np.where(AWAY <= 15, 1, 0).astype(np.uint8) * np.ones((PLANES, 1, 1), np.uint8)
    carried[:, disc_there] = 2
    said = image_agreement(carried, annotation, (100.0 * (truth > 0)).astype(np.float32))
    alike, steady = said.most_per_structure()
    assert alike < 0.85
    assert steady > 0.95
    assert np.flatnonzero(said.unlike()[:, 0]).tolist() == [k for k in range(PLANES) if k % 10 >= 6]


def test_what_changes_on_the_way_is_told_from_what_changes_and_comes_back():
    drifting = np.stack([np.hypot(ROWS - 24, COLUMNS - 18 - k / 3) <= 9 for k in range(PLANES)]).astype(np.uint8)
    annotation = SparseAnnotation.from_painted_planes(drifting, range(0, PLANES, 15))
    assert 0.2 < coming_back(annotation, 100.0 * drifting)[0] < 0.7
    assert shifts(annotation, 100.0 * drifting).tolist() == [0]
    for kind, planes in ((ladder, range(4, PLANES, 10)), (teeth, range(6, PLANES, 12)), (ribs, range(0, PLANES, 12))):
        truth = truth_of(kind)
        annotation = SparseAnnotation.from_painted_planes(truth, planes)
        noise = np.random.default_rng(0).normal(0, 5, truth.shape)
        assert coming_back(annotation, 100.0 * truth + noise)[0] > 1.5
        assert shifts(annotation, 100.0 * truth)[0] == pytest.approx(0.7)


def test_one_plane_or_neighbours_leave_nothing_to_come_back():
    truth = truth_of(ladder)
    for planes in ([4], [4, 5]):
        annotation = SparseAnnotation.from_painted_planes(truth, planes)
        assert np.isnan(coming_back(annotation, 100.0 * truth)).all()
        assert shifts(annotation, 100.0 * truth).tolist() == [0]
    annotation = SparseAnnotation.from_painted_planes(truth, [1, 3])
    assert shifts(annotation, np.zeros(truth.shape)).tolist() == [0]
