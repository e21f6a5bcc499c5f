"""`auto`: the rules of all predictors, and that it takes what does best on left-out planes."""

import numpy as np
import pytest
from predictors.predictor_tester import PredictorTester, a_ball_with_a_core, dice
from scipy.ndimage import gaussian_filter
from SparseAnnotateLib import PREDICTORS, InputError, Prediction, SparseAnnotation, run
from SparseAnnotateLib.predictors import PredictorBase, PredictorOptions


class TestAuto(PredictorTester):
    name = "auto"
    options = {"candidates": ("nearest", "shape")}  # noqa: RUF012

    def test_it_takes_the_better_one_and_says_so(self):
        volume, labels = a_ball_with_a_core(planes=40, spacing_mm=(1.0, 1.0, 1.0))
        annotation = self.annotate(labels, painted=range(9, 32, 3), plane_range=(8, 31))
        result = run(self.make_predictor(average=False), volume, annotation)
        nearest = run(self.make_predictor(candidates=("nearest",)), volume, annotation)
        assert dice(labels > 0, result.labels > 0) > dice(labels > 0, nearest.labels > 0) + 0.02
        assert result.details["chosen"]["ball"].startswith("shape (0.")

    def test_with_too_few_planes_the_first_is_taken(self):
        volume, labels = a_ball_with_a_core()
        annotation = self.annotate(labels, painted=(8, 11))
        result = run(self.make_predictor(), volume, annotation)
        nearest = run(self.make_predictor(candidates=("nearest",)), volume, annotation)
        assert np.array_equal(result.labels, nearest.labels)

    def test_predictors_that_do_not_weigh_have_no_mean(self):
        volume, labels = a_ball_with_a_core(planes=40, spacing_mm=(1.0, 1.0, 1.0))
        annotation = self.annotate(labels, painted=range(9, 32, 3), plane_range=(8, 31))
        result = run(self.make_predictor(keep_probabilities=True), volume, annotation)
        assert result.probabilities is None
        assert not any("mean" in why for why in result.details["chosen"].values())

    def test_it_needs_another_predictor_to_choose(self):
        with pytest.raises(InputError, match="name at least one other"):
            self.make_predictor(candidates=("auto",))

    @pytest.mark.parametrize("vote", [0.0, 0.5])
    def test_a_vote_decides_only_where_the_first_is_not_sure(self, vote):
        with pytest.raises(InputError, match="vote"):
            self.make_predictor(vote=vote)


class Weighs(PredictorBase):
    """Gives every pixel of the unpainted planes the same chance of being class 1, and says what Dice it expects.

    Its labels are those of its probabilities, or of another predictor, so that the two agree.
    """

    name = "test-weighs"
    summary = "for tests"
    Options = PredictorOptions
    runs = 0
    chance, expected, labels_of = 0.48, 0.99, "shape"

    def _predict(self, volume, annotation):
        Weighs.runs += 1
        probabilities = np.zeros((annotation.class_count + 1, *volume.shape), np.float16)
        probabilities[1], probabilities[0] = self.chance, 1 - self.chance
        expected = {one.name: self.expected for one in annotation.classes}
        labels = probabilities.argmax(axis=0).astype(np.uint8)
        if self.labels_of:
            labels = run(PREDICTORS.create(self.labels_of), volume, annotation).labels.copy()
        np.copyto(labels, annotation.labels, where=annotation.known)
        yield Prediction(labels, probabilities, details={"expected_dice_per_class": expected})


@pytest.fixture
def weighs(monkeypatch):
    monkeypatch.setattr(Weighs, "runs", 0)
    found = PREDICTORS.get
    monkeypatch.setattr(PREDICTORS, "get", lambda name: Weighs if name == Weighs.name else found(name))
    return Weighs


def one_ball():
    volume, labels = a_ball_with_a_core(planes=40, spacing_mm=(1.0, 1.0, 1.0))
    painted = range(9, 32, 3)
    annotation = SparseAnnotation.from_painted_planes((labels > 0).astype(int), painted, plane_range=(8, 31))
    return volume, annotation


def test_the_mean_lets_the_second_decide_where_the_first_is_not_sure(weighs):
    volume, annotation = one_ball()
    auto = PREDICTORS.create("auto", {"candidates": (weighs.name, "shape"), "planes_for_average": 8})
    shape = run(PREDICTORS.create("shape"), volume, annotation)
    result = run(auto, volume, annotation)
    # .8 x .48 + .2 s > .8 x .52 + .2 (1 - s), where s > .58; s is smoothed by a pixel.
    smooth = gaussian_filter((shape.labels == 1).astype(np.float32), (0, 1, 1))
    inside = [plane for plane in annotation.unpainted_planes if 8 <= plane <= 31]
    assert np.array_equal(result.labels[inside] == 1, smooth[inside] > 0.58)
    assert result.details["chosen"] == {"class 1": "test-weighs and shape (their mean: on 8 painted planes)"}
    assert weighs.runs == 1


@pytest.mark.parametrize(("expected", "is_mean"), [(0.99, False), (0.94, True)])
def test_where_they_differ_by_more_than_the_first_expects_to_be_wrong_there_is_no_mean(
    weighs, monkeypatch, expected, is_mean
):
    monkeypatch.setattr(weighs, "labels_of", "nearest")
    monkeypatch.setattr(weighs, "expected", expected)
    volume, annotation = one_ball()
    auto = PREDICTORS.create("auto", {"candidates": (weighs.name, "shape"), "planes_for_average": 8})
    shape, nearest = (run(PREDICTORS.create(name), volume, annotation).labels for name in ("shape", "nearest"))
    planes = annotation.unpainted_planes
    assert 0.02 < 1 - dice(shape[planes] == 1, nearest[planes] == 1) < 0.12
    assert ("mean" in run(auto, volume, annotation).details["chosen"]["class 1"]) is is_mean


def test_on_few_planes_there_is_no_mean(weighs, monkeypatch):
    monkeypatch.setattr(weighs, "labels_of", None)
    volume, annotation = one_ball()
    auto = PREDICTORS.create("auto", {"candidates": (weighs.name, "shape"), "planes_for_average": 9})
    result = run(auto, volume, annotation)
    assert not result.labels[annotation.unpainted_planes].any()
    assert result.details["chosen"] == {"class 1": "test-weighs (on 8 painted planes)"}


def test_the_first_is_left_out_only_if_another_does_better_than_it_expects_of_itself(weighs, monkeypatch):
    volume, annotation = one_ball()
    monkeypatch.setattr(weighs, "expected", 0.3)
    monkeypatch.setattr(weighs, "labels_of", None)
    auto = PREDICTORS.create("auto", {"candidates": (weighs.name, "shape")})
    result = run(auto, volume, annotation)
    assert result.details["chosen"]["class 1"].startswith("shape (0.")
    assert weighs.runs == 3


def test_with_its_own_candidates_it_finds_the_ball():
    volume, labels = a_ball_with_a_core()
    tester = TestAuto()
    result = run(PREDICTORS.create("auto"), volume, tester.annotate(labels))
    unpainted = [6, 7, 9, 10, 12, 13]
    assert dice(labels[unpainted] > 0, result.labels[unpainted] > 0) > 0.9
    assert result.details["chosen"]["ball"].startswith("guided")
