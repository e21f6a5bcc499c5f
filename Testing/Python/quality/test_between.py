"""What the image shows between painted planes and on none of them: named, and promised less."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.quality.image_agreement import ImageAgreement, image_agreement
from SparseAnnotateLib.quality.warned import shown_by_image

PLANES = 48
ROWS, COLUMNS = np.mgrid[:44, :52]
Y, X = ROWS - 22, COLUMNS - 26
AWAY = np.hypot(Y, X)
SPACING = (1.0, 1.0, 1.0)


def ladder(k):
    rails = (np.abs(np.abs(X) - 14) <= 2) & (np.abs(Y) <= 4)
    return rails | ((np.abs(X) <= 14) & (np.abs(Y) <= 4) & (k % 12 in range(3, 8)))


def beads(k):
    return np.hypot(AWAY, (k % 12 - 6) * 2) <= 10


def screw(k):
    turn = 2 * np.pi * k / 16
    return (np.hypot(Y - 10 * np.sin(turn), X - 10 * np.cos(turn)) <= 5) | (AWAY <= 3)


def teeth(k):
    bar = (np.abs(Y + 11) <= 4) & (np.abs(X) <= 17)
    return bar | ((np.abs(Y - 3) <= 8) & (np.abs(X) <= 14) & (k % 16 in range(5, 12)))


def unequal_discs(k):
    return (AWAY <= 12) & any(first <= k < last for first, last in ((0, 5), (9, 13), (20, 29), (33, 36), (40, 48)))


def wheel(k):
    """A ring that goes on, spokes that come and go."""
    spokes = (np.abs(X) <= 2) | (np.abs(Y) <= 2)
    return (np.abs(AWAY - 16) <= 2) | ((AWAY <= 16) & spokes & (k % 14 in range(4, 9)))


def seen(truth, contrast=100, noise=12):
    return (contrast * truth + np.random.default_rng(1).normal(0, noise, truth.shape)).astype(np.float32)


def volume_of(kind):
    return np.stack([kind(k) for k in range(PLANES)]).astype(np.uint8)


def predicted(truth, planes, predictor, image=None):
    annotation = SparseAnnotation.from_painted_planes(truth, planes).with_range(0, len(truth) - 1)
    volume = Volume.from_array(seen(truth) if image is None else image, SPACING)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    both = np.count_nonzero(prediction.labels & truth)
    true = 2 * both / (np.count_nonzero(prediction.labels) + np.count_nonzero(truth))
    return with_expected_quality(prediction, annotation, SPACING, predictor, volume.intensities), true


HIDDEN = [
    (ladder, range(0, PLANES, 12)),
    (ladder, [1, 25, 46]),
    (screw, range(0, PLANES, 16)),
    (teeth, range(0, PLANES, 16)),
    (wheel, range(0, PLANES, 14)),
    (unequal_discs, [2, 24, 46]),
    (unequal_discs, [6, 10, 42]),
]


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
@pytest.mark.parametrize(("kind", "planes"), HIDDEN, ids=lambda one: getattr(one, "__name__", None))
def test_what_no_painted_plane_shows_is_named_and_not_promised(kind, planes, predictor):
    prediction, true = predicted(volume_of(kind), planes, predictor)
    low, high = prediction.expected_dice_interval
    assert low <= true
    assert low < prediction.expected_dice < high
    assert prediction.expected_dice <= true + 0.12
    if true < 0.85:
        assert any("class 1" in sentence for sentence in prediction.details["warnings"])


def test_planes_with_more_than_was_predicted_are_the_rungs():
    prediction, _ = predicted(volume_of(ladder), range(0, PLANES, 12), "shape")
    rungs = [k for k in range(PLANES) if k % 12 in range(3, 8) and k < 36]
    named = prediction.details["more"]["class 1"]
    assert set(named) <= set(rungs)
    assert len(named) >= 0.8 * len(rungs)
    (sentence,) = prediction.details["warnings"]
    assert sentence.startswith("in 3 gaps between painted planes the image changes and comes back: on planes 3 to 7")
    assert "it shows more that looks like class 1 than was predicted there; look at one of them" in sentence


def test_planes_with_less_than_was_predicted_lie_between_the_rungs():
    prediction, _ = predicted(volume_of(ladder), range(5, PLANES, 12), "shape")
    without = [k for k in range(PLANES) if k % 12 not in range(3, 8)]
    named = prediction.details["less"]["class 1"]
    assert set(named) <= set(without)
    assert len(named) >= 0.7 * len([k for k in without if 5 < k < 41])
    assert any("shows less that looks like class 1" in sentence for sentence in prediction.details["warnings"])


@pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
@pytest.mark.parametrize(
    "organ",
    [
        lambda k: np.hypot(Y - k / 8, X) <= 8 + k / 8,
        lambda k: (Y / 9) ** 2 + ((X - 6 * np.sin(k / 14)) / 14) ** 2 <= 1,
        lambda _: (np.abs(AWAY - 12) <= 3) & (Y > -8),
        lambda k: (np.hypot(Y, X - 10 + k / 6) <= 6) | (np.hypot(Y, X + 10 - k / 6) <= 6),
    ],
    ids=["grows", "bends", "a bowl", "two that meet"],
)
def test_organs_that_go_on_raise_no_alarm(organ, predictor):
    prediction, true = predicted(volume_of(organ), range(4, PLANES, 10), predictor)
    assert prediction.details["warnings"] == []
    assert prediction.expected_dice == pytest.approx(true, abs=0.1)


def spine(bright=50):
    """Bodies that look little unlike the discs between them; their ends, rims and arches are bright."""
    truth, image = np.zeros((2, PLANES, *AWAY.shape))
    inside = ((Y + 5) / 11) ** 2 + (X / 14) ** 2 <= 1
    rim = inside & ~(((Y + 5) / 10) ** 2 + (X / 13) ** 2 <= 1)
    arch = (np.abs(np.hypot(Y - 12, X) - 5) <= 1.8) & (Y > 8)
    for k in range(PLANES):
        body = k % 24 in range(4, 20)
        end = k % 24 in (4, 5, 18, 19)
        truth[k] = arch | (inside & body)
        image[k] = 60 * inside + np.where(body, 10 * inside + bright * rim, 0)
        image[k] = np.where(inside & end, 200, image[k]) + 200 * arch
    noise = np.random.default_rng(2).normal(0, 12, truth.shape)
    return truth.astype(np.uint8), (image + noise).astype(np.float32)


def test_bodies_between_planes_through_discs_are_named_though_they_look_like_discs():
    truth, image = spine()
    prediction, true = predicted(truth, [1, 23, 26, 46], "guided", image)
    low, _ = prediction.expected_dice_interval
    assert true < 0.7
    assert low <= true
    assert prediction.expected_dice < 0.8
    assert prediction.details["more"]["class 1"] == [4, 5, 18, 19, 28, 29, 42, 43]


def test_the_less_the_image_tells_the_more_may_go_on():
    truth = volume_of(ladder)
    annotation = SparseAnnotation.from_painted_planes(truth, range(0, PLANES, 12)).with_range(0, PLANES - 1)
    rails = np.where(annotation.labels[:1] > 0, np.ones((PLANES, 1, 1), np.uint8), 0).astype(np.uint8)
    clear, noisy = (image_agreement(rails, annotation, seen(truth, noise=noise)) for noise in (5, 45))
    for said in (clear, noisy):
        # Seen on rungs, possible on all planes of the same gap; never on painted planes, nor where it was predicted.
        assert not said.goes_on_px[annotation.painted].any()
        assert not said.more_px[annotation.painted].any()
        assert (said.goes_on_px[1:12, 0] > 0).all()
        assert (said.doubtful_px() <= said.possible_px()).all()
        assert (said.goes_on_px <= said.reaches_px).all()
    share = [one.doubtful_px().sum() / one.possible_px().sum() for one in (clear, noisy)]
    assert share[0] < share[1]


def test_what_looks_like_it_on_painted_planes_too_does_not_count():
    truth = np.repeat((np.hypot(Y, X + 12) <= 7)[None], PLANES, axis=0).astype(np.uint8)
    twin = np.repeat((np.hypot(Y, X - 12) <= 7)[None], PLANES, axis=0)
    annotation = SparseAnnotation.from_painted_planes(truth, range(0, PLANES, 10))
    said = image_agreement(truth, annotation, seen(truth | twin))
    assert not said.more_px.any()
    assert not said.goes_on_px.any()
    # The same twin on unpainted planes only.
    twin[annotation.painted] = False
    said = image_agreement(truth, annotation, seen(truth | twin))
    # All of it is connected with what is near, and may be the structure.
    assert (said.more_px[1:10, 0] > 30).all()
    assert (said.reaches_px[1:10, 0] > 100).all()


def test_what_is_seen_on_one_plane_is_taken_for_noise():
    truth = np.repeat((np.hypot(Y, X + 12) <= 7)[None], PLANES, axis=0).astype(np.uint8)
    image = seen(truth)
    image[15] += 100 * (np.hypot(Y, X - 12) <= 7)
    annotation = SparseAnnotation.from_painted_planes(truth, range(0, PLANES, 10))
    said = image_agreement(truth, annotation, image)
    assert not said.more_px.any()
    assert not said.goes_on_px.any()


@pytest.mark.parametrize(
    ("less", "more", "named"),
    [(36, 0, {"less": {"class 1": [2]}}), (28, 0, {}), (0, 36, {}), (0, 44, {"more": {"class 1": [2]}})],
)
def test_less_is_named_from_eight_hundredths_on_and_more_from_a_tenth(less, more, named):
    truth = np.ones((6, 2, 2), np.uint8)
    annotation = SparseAnnotation.from_painted_planes(truth, [0, 5]).with_range(0, 5)
    nothing, one = np.zeros((6, 1)), np.ones(1)
    predicted_px = np.array([[np.nan], [100], [100], [100], [100], [np.nan]])
    counts = {name: nothing.copy() for name in ("more_px", "less_px", "goes_on_px", "reaches_px", "place_px")}
    counts["less_px"][2], counts["more_px"][2] = less, more
    image = ImageAgreement(
        predicted_px=predicted_px,
        expected_px=predicted_px,
        agreed_px=predicted_px,
        likeness=np.ones((6, 1)),
        place_likeness=np.ones((6, 1)),
        painted_dice=one,
        expected_share=one,
        contrast=one,
        painted_px=one,
        exposed=one,
        **counts,
    )
    assert shown_by_image(image, annotation, np.zeros((6, 1), bool)) == named
