"""Starting from a segmentation that a program made: the library, jobs, batches and the command line."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import image_of
from SparseAnnotateLib import PREDICTORS
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.corrections import Corrections, shares
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.initial import Initial
from SparseAnnotateLib.io import read_image
from SparseAnnotateLib.jobs import InlineRunner, Job, run_job
from SparseAnnotateLib.jobs.folder import read_job, write_job
from SparseAnnotateLib.jobs.starting import matched, uncorrected_start
from SparseAnnotateLib.prediction import Prediction
from SparseAnnotateLib.predictors.image_votes import ImageVotes
from SparseAnnotateLib.predictors.initial import predicted_from
from SparseAnnotateLib.predictors.odd_ends import planes_beyond
from SparseAnnotateLib.predictors.rivals import Lost, clicked_on, told_dice, told_lost
from SparseAnnotateLib.selectors.correcting import planes_to_correct
from SparseAnnotateLib.several_models import combined
from SparseAnnotateLib.volume import ImageGeometry, Volume

SPACING = (1.0, 1.0, 2.0)
LIVER, SPLEEN = LabelClass(1, "liver"), LabelClass(2, "spleen")


def discs(radius, planes=12, size=40, centre=(20, 20)):
    """The same disc on every plane but the first and the last."""
    rows, columns = np.ogrid[:size, :size]
    labels = np.zeros((planes, size, size), np.uint8)
    labels[1:-1] = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    return labels


def volume_of(labels):
    noise = np.random.default_rng(0).normal(0, 0.2, labels.shape)
    size = labels.shape[::-1]
    return Volume((labels + noise).astype(np.float32), SPACING[::-1], ImageGeometry(size, SPACING), "k")


def corrected_on(truth, planes):
    return SparseAnnotation.from_painted_planes(truth, planes, classes=[LIVER])


def predicted(truth, rough, planes, predictor="guided"):
    annotation = corrected_on(truth, planes)
    initial = Initial(rough, annotation.classes)
    return list(predicted_from(PREDICTORS.create(predictor), volume_of(truth), annotation, initial))[-1]


def dice(first, second):
    return 2 * np.count_nonzero((first > 0) & (second > 0)) / (np.count_nonzero(first) + np.count_nonzero(second))


class TestCorrections:
    def test_outlines_too_far_out_everywhere_are_drawn_in_everywhere(self):
        truth, rough = discs(8), discs(11)
        corrections = Corrections(rough, corrected_on(truth, [3, 8]), SPACING[::-1])
        assert dice(corrections.labels(5), truth[(5, *corrections.region)]) > 0.98

    def test_a_corrected_plane_left_out_is_told_from_the_others(self):
        truth, rough = discs(8), discs(8)
        rough[3] = discs(12)[3]
        corrections = Corrections(rough, corrected_on(truth, [3, 8]), SPACING[::-1])
        assert np.array_equal(corrections.labels(3, without=[3]), rough[(3, *corrections.region)])

    def test_what_is_right_on_corrected_planes_stays_as_it_is(self):
        truth, rough = discs(8), discs(8)
        rough[5] = discs(6)[5]
        corrections = Corrections(rough, corrected_on(truth, [3, 8]), SPACING[::-1])
        assert np.array_equal(corrections.labels(5), rough[(5, *corrections.region)])

    def test_outlines_to_the_side_are_moved_back_everywhere(self):
        truth, rough = discs(8), discs(8, centre=(24, 17))
        corrections = Corrections(rough, corrected_on(truth, [3]), SPACING[::-1])
        assert np.array_equal(corrections.labels(9), truth[(9, *corrections.region)])

    def test_a_shift_of_one_plane_stays_there_where_the_prediction_of_planes_beside_it_says_so(self):
        truth, rough = discs(8), discs(8)
        rough[5] = discs(8, centre=(24, 17))[5]
        told = np.where(truth.any(axis=(1, 2)), 0.9, np.nan)[:, None]
        alone = Prediction(truth, expected_dice_per_structure=told)
        corrections = Corrections(rough, corrected_on(truth, [5]), SPACING[::-1], alone)
        assert np.array_equal(corrections.labels(8), truth[(8, *corrections.region)])

    def test_what_is_wrong_on_one_spot_is_carried_far_by_two_corrected_planes_and_not_by_one(self):
        truth, rough = discs(8), discs(8)
        rough[:, 16:25, 28:36] = discs(8).any(axis=(1, 2))[:, None, None]
        told = np.where(truth.any(axis=(1, 2)), 0.9, np.nan)[:, None]
        alone = Prediction(truth, expected_dice_per_structure=told)
        one, two = (
            Corrections(rough, corrected_on(truth, planes), SPACING[::-1], alone).carried[1][0]
            for planes in ([5], [3, 8])
        )
        assert one <= 4 < two

    def test_the_planes_on_both_sides_share_by_distance(self):
        assert shares(4, [2, 6]) == [(2, 0.5), (6, 0.5)]
        assert shares(6, [2, 6]) == [(6, 1.0)]
        assert shares(9, [2, 6]) == [(6, 1.0)]
        assert shares(9, []) == []


class TestOffAlike:
    """Plane 6 shows the truth only: is a shift that plane 3 tells carried beyond plane 6 in full?"""

    def carried(self, rough, truth):
        rough = rough.copy()
        rough[6] = 0
        corrections = Corrections(rough, corrected_on(truth, [3, 6]), SPACING[::-1])
        corrections.carried = {1: (2.0, 1.0)}
        return corrections

    def test_where_shifts_explain_what_is_wrong(self):
        found = self.carried(discs(8, centre=(20, 24)), discs(8))
        assert np.array_equal(found.labels(10), found.truth[3])

    def test_not_where_they_explain_little(self):
        bitten = discs(8)
        bitten[:, :, 20:] = 0
        found = self.carried(bitten, discs(8))
        assert np.array_equal(found.labels(10), found.rough[10])


class TestRivals:
    def lost(self, rough, predicted, worthless=False, shown=0.8):
        one = {
            "rough": rough,
            "predicted": predicted,
            "worthless": worthless,
            "shown_on": shown,
            "planes": shown,
            "off_alike": 0.0,
        }
        return Lost(predicted_per_plane=np.full((12, 1), np.nan), **{name: np.array([x]) for name, x in one.items()})

    def weight(self, rough, predicted, shown=0.8):
        return self.lost(rough, predicted, shown=shown).weight_of_predicted()[0]

    def test_both_count_the_same_where_what_is_lost_hardly_tells_them_apart(self):
        assert self.weight(0.2, 0.1) == self.weight(0.2, 0.15) == pytest.approx(np.exp(-1))

    def test_the_prediction_counts_by_the_odds_of_what_both_lose(self):
        assert self.weight(0.8, 0.2) == pytest.approx(np.exp(-3) * 4**2.75 * 4**2)
        assert self.weight(0.1, 0.5) == pytest.approx(np.exp(-0.5) / 9**2.75)

    def test_the_prediction_counts_more_the_more_corrected_planes_show_the_structure(self):
        one, four = (self.weight(0.8, 0.2, shown=planes) for planes in (0.8, 3.8))
        assert four == pytest.approx(8 * one)

    def test_a_corrected_plane_that_shows_the_tip_counts_half_in_how_well_it_is_known(self):
        lost = self.lost(0.8, 0.2, shown=0.8)
        tip = replace(lost, planes=lost.planes + 1)
        assert tip.weight_of_predicted()[0] == pytest.approx(1.5**1.5 * lost.weight_of_predicted()[0])

    def test_worthless_outlines_leave_all_to_the_prediction_whatever_that_loses(self):
        assert self.lost(0.99, 0.95, worthless=True).weight_of_predicted()[0] > 1e5

    def test_what_the_rough_one_has_nowhere_or_elsewhere_is_worthless_and_what_no_corrected_plane_shows_is_not(self):
        truth = discs(4, centre=(8, 8)) + 2 * discs(4, centre=(8, 30)) + 3 * discs(4, centre=(30, 8))
        truth[:7][truth[:7] == 3] = 0
        rough = np.array([0, 2, 0, 3], np.uint8)[truth]
        annotation = SparseAnnotation.from_painted_planes(truth, [4], classes=[LIVER, SPLEEN, LabelClass(3, "kidney")])
        lost = told_lost(Corrections(rough, annotation, SPACING[::-1]), Prediction(truth, **told_of(truth, 3)))
        assert lost.worthless.tolist() == [True, True, False]

    def told_rough(self, rough, truth, planes):
        return told_lost(Corrections(rough, corrected_on(truth, planes), SPACING[::-1]), None).rough[0]

    def test_outlines_that_are_off_alike_are_told_to_lose_less_than_those_that_are_not(self):
        truth, shifted, bitten = discs(8), discs(8, centre=(20, 22)), discs(8)
        bitten[:, :, 25:] = 0
        alike, own = (self.told_rough(rough, truth, [5]) for rough in (shifted, bitten))
        wrong = [np.count_nonzero((rough ^ truth)[5]) for rough in (shifted, bitten)]
        assert wrong[0] > wrong[1]
        assert alike < own

    def test_one_small_plane_of_a_structure_is_held_by_what_the_others_lose(self):
        truth = np.concatenate([discs(8), 2 * discs(2)])
        rough = np.concatenate([discs(5), 2 * discs(2)])
        annotation = SparseAnnotation.from_painted_planes(truth, [5, 17], classes=[LIVER, SPLEEN])
        liver, spleen = told_lost(Corrections(rough, annotation, SPACING[::-1]), None).rough
        assert 0.05 < spleen < liver

    def test_what_is_taken_for_another_is_not_held_by_what_the_others_lose(self):
        truth = discs(4, centre=(10, 10)) + 2 * discs(4, centre=(10, 30)) + 3 * discs(8, centre=(28, 20))
        left_right = np.array([0, 2, 1, 3], np.uint8)[truth]
        nowhere = np.array([0, 0, 0, 3], np.uint8)[truth]
        nowhere[8, 0, :2] = 1, 2
        classes = (LIVER, SPLEEN, LabelClass(3, "kidney"))
        annotation = SparseAnnotation.from_painted_planes(truth, [5], classes=classes)
        swapped, missed = (
            told_lost(Corrections(rough, annotation, SPACING[::-1]), None).rough for rough in (left_right, nowhere)
        )
        assert swapped[:2].min() > missed[:2].max()

    def test_what_neither_loses_nothing_is_expected_to_be_lost_and_the_interval_holds_it(self):
        truth = discs(8)
        annotation = corrected_on(truth, [3, 8])
        told = told_dice(self.lost(0.001, 0.001), truth, truth, truth, annotation)
        assert told.whole > 0.97
        assert told.interval[0] < told.whole < told.interval[1]
        assert told.interval[0] < 0.95
        assert np.isnan(told.per_plane[3])

    def test_the_less_the_two_agree_the_less_is_expected(self):
        truth, other = discs(8), discs(8, centre=(24, 24))
        annotation = corrected_on(truth, [3, 8])
        told = [told_dice(self.lost(0.1, 0.1), truth, one, truth, annotation).whole for one in (truth, other)]
        assert told[1] < told[0]

    def test_where_the_outlines_say_nothing_the_prediction_is_expected_to_lose_what_it_says(self):
        truth, other = discs(8), discs(8, centre=(24, 24))
        annotation = corrected_on(truth, [3, 8])
        lost = self.lost(0.95, 0.4, worthless=True)
        assert told_dice(lost, other, truth, truth, annotation).whole == pytest.approx(1 - 0.4 * 0.8, abs=0.03)

    def test_two_that_differ_are_not_expected_to_lose_less_than_that(self):
        truth, other = discs(8), discs(8, centre=(24, 24))
        annotation = corrected_on(truth, [3, 8])
        low, high = (
            told_dice(self.lost(a, b), other, truth, truth, annotation).whole for a, b in ((0.02, 0.03), (0.1, 0.15))
        )
        assert low == pytest.approx(high, abs=0.001)

    def test_small_structures_and_planes_far_from_corrected_ones_are_expected_to_lose_more(self):
        small, large = (
            told_dice(self.lost(0.1, 0.1), labels, labels, labels, corrected_on(labels, [3, 8]))
            for labels in (discs(2), discs(8))
        )
        assert small.whole < large.whole
        assert large.per_plane[5] < large.per_plane[4]

    def test_outlines_that_are_off_alike_are_expected_to_lose_less(self):
        lost, truth = self.lost(0.2, 0.3), discs(8)
        alike = replace(lost, off_alike=np.array([-2.0]))
        one, other = (told_dice(each, truth, truth, truth, corrected_on(truth, [3, 8])).whole for each in (alike, lost))
        assert one > other

    def test_a_range_is_a_click_only_where_the_expert_gave_one(self):
        annotation = corrected_on(discs(8), [4])
        assert not clicked_on(annotation, 5, 1)
        assert clicked_on(annotation.with_range(3, 8), 5, 1)
        assert not clicked_on(annotation.with_range(3, 8), 9, 1)


def told_of(labels, count):
    """A prediction that expects .9 of each structure on each plane that shows it."""
    shown = np.stack([(labels == number).any(axis=(1, 2)) for number in range(1, count + 1)], axis=1)
    return {"expected_dice_per_structure": np.where(shown, 0.9, np.nan).astype(np.float32)}


class TestOddEnds:
    def beyond(self, corrected, told=0.9, rough=None):
        truth = discs(8)
        if rough is None:
            rough = truth.copy()
            rough[9:] = 0
        alone = Prediction(truth, expected_dice_per_structure=np.full((12, 1), told, np.float32))
        return planes_beyond(Corrections(rough, corrected_on(truth, corrected), SPACING[::-1], alone), alone, 1)

    def test_where_it_stops_at_full_size_and_the_prediction_goes_on_the_structure_goes_on(self):
        assert self.beyond([3, 7]) == [9, 10]

    def test_one_corrected_plane_or_an_unsure_prediction_says_nothing(self):
        assert self.beyond([3]) == []
        assert self.beyond([3, 7], told=0.6) == []

    def test_where_both_differ_before_the_end_nothing_goes_on(self):
        rough = discs(8, centre=(26, 20))
        rough[9:] = 0
        rough[[3, 7]] = discs(8)[[3, 7]]
        assert self.beyond([3, 7], rough=rough) == []

    def test_where_it_gets_small_before_it_ends_it_ends(self):
        rough = discs(8)
        rough[8] = discs(3)[8]
        rough[9:] = 0
        assert self.beyond([3, 7], rough=rough) == []


class TestImageVotes:
    def votes(self, image, rough, predicted):
        truth = discs(8)
        annotation = corrected_on(truth, [5])
        corrections = Corrections(discs(11), annotation, SPACING[::-1])
        return ImageVotes(image, annotation, corrections, rough, predicted), corrections.region

    def test_whoever_follows_the_image_counts_more(self):
        image = volume_of(discs(8)).intensities
        wrong, right = discs(11), discs(8)
        for rough, predicted, more in ((wrong, right, True), (right, wrong, False)):
            votes, region = self.votes(image, rough, predicted)
            assert (votes.weight_of_predicted()[0] > 1) == more
            factor = votes.on_plane(7, np.zeros((1, *rough[7][region].shape), np.float32))
            differ = (rough != predicted)[7][region]
            assert (factor[~differ] == 1).all()
            assert ((factor[differ] > 1) == more).all()

    def test_deep_in_the_rough_outline_and_where_the_image_shows_nothing_nobody_counts_more(self):
        noise = np.random.default_rng(0).normal(size=discs(8).shape).astype(np.float32)
        for image, score, most in ((volume_of(discs(8)).intensities, 2.0, 1.0), (noise, 0.0, 1.1)):
            votes, region = self.votes(image, discs(11), discs(8))
            factor = votes.on_plane(7, np.full((1, *discs(8)[7][region].shape), score, np.float32))
            assert 1 / most <= factor.min() <= factor.max() <= most

    def test_one_intensity_everywhere_says_nothing(self):
        votes, _ = self.votes(np.zeros(discs(8).shape, np.float32), discs(11), discs(8))
        assert votes.weight_of_predicted()[0] == pytest.approx(1, abs=0.05)


class TestPrediction:
    def test_corrected_planes_come_back_unchanged_and_the_others_follow(self):
        truth, rough = discs(8), discs(11)
        prediction = predicted(truth, rough, [2, 5, 9])
        assert np.array_equal(prediction.labels[[2, 5, 9]], truth[[2, 5, 9]])
        assert dice(prediction.labels, truth) > dice(
            np.where(corrected_on(truth, [2, 5, 9]).known, truth, rough), truth
        )
        assert 0 < prediction.expected_dice <= 1

    @pytest.mark.parametrize("predictor", ["guided", "shape", "nearest"])
    def test_a_rough_one_that_corrections_bear_out_leads(self, predictor):
        truth = discs(8)
        truth[6:, :, :] = discs(5, centre=(14, 24))[6:]
        prediction = predicted(truth, truth.copy(), [3], predictor)
        assert np.array_equal(prediction.labels, truth)

    @pytest.mark.parametrize("predictor", ["guided", "shape"])
    def test_probabilities_are_highest_where_the_labels_are_and_certain_where_known(self, predictor):
        truth, rough = discs(8), discs(11)
        annotation = corrected_on(truth, [3, 8]).with_range(1, 10)
        one = PREDICTORS.create(predictor, {"keep_probabilities": True})
        prediction = list(predicted_from(one, volume_of(truth), annotation, Initial(rough, annotation.classes)))[-1]
        assert prediction.probabilities.dtype == np.float16
        assert np.array_equal(prediction.probabilities.argmax(axis=0), prediction.labels)
        assert np.abs(prediction.probabilities.sum(axis=0, dtype=np.float32) - 1).max() < 0.01
        assert (prediction.probabilities.max(axis=0)[annotation.known] == 1).all()

    @pytest.mark.parametrize("predictor", ["guided", "shape"])
    def test_a_structure_that_no_corrected_plane_shows_is_not_taken_for_another(self, predictor):
        truth = discs(8)
        truth[7:11][truth[7:11] > 0] = 2
        rough = truth.copy()
        rough[:7] = np.roll(rough[:7], 12, axis=2)  # the first one lies elsewhere, so that the prediction decides on it
        annotation = SparseAnnotation.from_painted_planes(truth, [3, 5], classes=[LIVER, SPLEEN]).with_range(1, 10)
        one = PREDICTORS.create(predictor)
        labels = list(predicted_from(one, volume_of(truth), annotation, Initial(rough, annotation.classes)))[-1].labels
        assert np.array_equal(labels[7:] == 2, truth[7:] == 2)
        assert dice(labels == 1, truth == 1) > 0.95

    def test_without_a_corrected_plane_the_rough_one_comes_back_and_nothing_is_promised(self):
        rough = discs(8)
        annotation = SparseAnnotation.unpainted(rough.shape, [LIVER])
        steps = predicted_from(PREDICTORS.create("guided"), volume_of(rough), annotation, Initial(rough, (LIVER,)))
        prediction = list(steps)[-1]
        assert np.array_equal(prediction.labels, rough)
        assert prediction.expected_dice is None

    def test_nothing_is_left_outside_a_clicked_range(self):
        truth = discs(8)
        annotation = corrected_on(truth, [4]).with_range(3, 8)
        steps = predicted_from(PREDICTORS.create("shape"), volume_of(truth), annotation, Initial(truth, (LIVER,)))
        labels = list(steps)[-1].labels
        assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == [3, 4, 5, 6, 7, 8]

    def test_progress_never_goes_back_and_closing_cancels(self):
        truth = discs(8)
        annotation = corrected_on(truth, [2, 9])
        steps = predicted_from(PREDICTORS.create("guided"), volume_of(truth), annotation, Initial(truth, (LIVER,)))
        fractions = [step.fraction for step in list(steps)[:-1]]
        assert fractions == sorted(fractions)
        assert fractions[-1] <= 1
        steps = predicted_from(PREDICTORS.create("guided"), volume_of(truth), annotation, Initial(truth, (LIVER,)))
        next(steps)
        steps.close()

    def test_another_grid_is_refused(self):
        truth = discs(8)
        with pytest.raises(InputError, match="different grids"):
            next(
                predicted_from(
                    PREDICTORS.create("shape"), volume_of(truth), corrected_on(truth, [3]), Initial(truth[1:], (LIVER,))
                )
            )

    def test_the_same_twice_gives_the_same(self):
        truth, rough = discs(8), discs(10)
        assert np.array_equal(predicted(truth, rough, [2, 9]).labels, predicted(truth, rough, [2, 9]).labels)

    def test_a_real_rough_segmentation_is_bettered(self, real_data):
        from SparseAnnotateLib.io import read_image, read_labels

        folder = real_data / "MSD_hippocampus_056"
        volume = read_image(folder / "image.nii.gz", axis="k")
        file = read_labels(folder / "label.nii.gz", volume)
        truth = (file.labels > 0).astype(np.uint8)
        rough = np.roll(truth, (1, 2), axis=(1, 2))
        planes = [10, 21, 31]
        annotation = corrected_on(truth, planes)
        steps = predicted_from(PREDICTORS.create("guided"), volume, annotation, Initial(rough, annotation.classes))
        labels = list(steps)[-1].labels
        pasted = rough.copy()
        pasted[planes] = truth[planes]
        assert dice(labels, truth) > dice(pasted, truth) + 0.05


class TestCombined:
    def test_without_corrections_all_count_alike_and_the_middle_is_taken(self):
        annotation = SparseAnnotation.unpainted(discs(8).shape, [LIVER])
        together = combined([discs(6), discs(8), discs(10)], annotation, SPACING[::-1])
        assert np.allclose(together.weights, 1 / 3)
        assert dice(together.labels, discs(8)) > 0.95
        assert together.agreement < 0.9

    def test_corrected_planes_say_whom_to_believe(self):
        together = combined([discs(8), discs(8, centre=(10, 10))], corrected_on(discs(8), [4]), SPACING[::-1])
        assert together.weights[0] > 0.9
        assert np.array_equal(together.labels, discs(8))

    def test_alike_they_stay_as_they_are(self):
        together = combined([discs(8), discs(8)], corrected_on(discs(9), [4]), SPACING[::-1])
        assert np.array_equal(together.labels, discs(8))
        assert together.agreement == 1


class TestJobs:
    def test_a_job_in_a_folder_gives_the_same_as_here(self, tmp_path):
        truth, rough = discs(8), discs(10)
        annotation = corrected_on(truth, [2, 9])
        job = Job("shape", volume_of(truth), annotation, initial=Initial(rough, annotation.classes))
        write_job(job, tmp_path / "job")
        again = read_job(tmp_path / "job")
        assert np.array_equal(again.initial.labels, rough)
        here = run_job(InlineRunner(), job)
        assert np.array_equal(here.labels, run_job(InlineRunner(), again).labels)
        assert np.array_equal(here.labels, predicted(truth, rough, [2, 9], "shape").labels)

    def test_a_job_without_one_has_none(self, tmp_path):
        write_job(Job("shape", volume_of(discs(8)), corrected_on(discs(8), [2, 9])), tmp_path / "job")
        assert read_job(tmp_path / "job").initial is None
        assert not (tmp_path / "job" / "initial.npy").exists()


def ball():
    """On planes 1 to 10, small where it ends."""
    return np.concatenate([discs(r)[5:6] for r in (0, 3, 5, 7, 8, 8, 8, 8, 7, 5, 3, 0)]) * np.repeat(
        [0, *[1] * 10, 0], 40 * 40
    ).reshape(12, 40, 40).astype(np.uint8)


class TestPlanesToCorrect:
    def suggested(self, rough, count, corrected=()):
        annotation = SparseAnnotation.unpainted(rough.shape, [LIVER])
        if corrected:
            annotation = corrected_on(discs(8), list(corrected))
        return planes_to_correct(volume_of(discs(8)), annotation, Initial(rough, (LIVER,)), count)

    def test_the_plane_unlike_its_neighbours_comes_first_and_says_why(self):
        rough = ball()
        rough[6] = discs(8, centre=(14, 14))[6]
        first = self.suggested(rough, 2)[0]
        assert first.plane in (5, 6, 7)
        assert first.reason.startswith("liver: unlike the planes beside it")

    def test_a_structure_that_stops_in_the_middle_is_suspected_where_it_stops(self):
        rough = ball()
        rough[7:] = 0
        assert {one.plane for one in self.suggested(rough, 3)} & {6, 7}

    def test_where_nothing_speaks_planes_are_spread(self):
        planes = sorted(one.plane for one in self.suggested(ball(), 3))
        assert min(np.diff(planes)) >= 2

    def test_corrected_planes_are_not_suggested_again(self):
        planes = [one.plane for one in self.suggested(discs(11), 20, corrected=[3, 8])]
        assert not {3, 8} & set(planes)
        assert len(planes) == len(set(planes))

    def test_an_empty_one_is_refused(self):
        with pytest.raises(InputError, match="nothing to correct"):
            self.suggested(np.zeros_like(discs(8)), 2)

    def test_the_plane_on_which_the_program_was_unsure_comes_first_and_says_so(self):
        doubt = np.zeros(discs(8).shape, np.float16)
        doubt[7] = 0.5
        annotation = SparseAnnotation.unpainted(doubt.shape, [LIVER])
        first = planes_to_correct(volume_of(ball()), annotation, Initial(ball(), (LIVER,), doubt), 3)[0]
        assert first.plane == 7
        assert first.reason.startswith("liver: the program was unsure")

    def stacked(self):
        """Three structures above one another, the middle one on two of 24 planes."""
        labels = discs(8, planes=24)
        labels[6:8] *= 2
        labels[8:] *= 3
        return labels

    def stack_suggested(self, count, corrected=()):
        classes = (LIVER, SPLEEN, LabelClass(3, "kidney"))
        annotation = SparseAnnotation.unpainted(self.stacked().shape, classes)
        if corrected:
            annotation = SparseAnnotation.from_painted_planes(self.stacked(), list(corrected), classes=classes)
        return planes_to_correct(volume_of(self.stacked()), annotation, Initial(self.stacked(), classes), count)

    def structures_on(self, planes):
        return {int(number) for number in np.unique(self.stacked()[planes])} - {0}

    def test_every_structure_is_on_a_suggested_plane(self):
        chosen = self.stack_suggested(3)
        assert self.structures_on([one.plane for one in chosen]) == {1, 2, 3}

    def test_the_structure_that_no_corrected_plane_shows_is_on_the_next_one(self):
        (chosen,) = self.stack_suggested(1, corrected=[3, 15])
        assert chosen.plane in (6, 7)
        assert chosen.reason == "spleen: ends abruptly"

    def test_what_the_program_missed_is_looked_for_in_its_clicked_range(self):
        classes = (LIVER, SPLEEN)
        annotation = SparseAnnotation.unpainted((24, 40, 40), classes).with_class_ranges({1: (0, 11), 2: (12, 23)})
        rough = np.concatenate([ball(), 0 * ball()])
        planes = [one.plane for one in planes_to_correct(volume_of(rough), annotation, Initial(rough, classes), 2)]
        assert 3 <= min(planes) <= 8
        assert 15 <= max(planes) <= 20

    def balls_suggested(self, count, corrected=()):
        both, classes = np.concatenate([ball(), 2 * ball()]), (LIVER, SPLEEN)
        annotation = SparseAnnotation.unpainted(both.shape, classes)
        if corrected:
            annotation = SparseAnnotation.from_painted_planes(both, list(corrected), classes=classes)
        return planes_to_correct(volume_of(both), annotation, Initial(both, classes), count)

    def test_the_only_plane_of_a_structure_says_so(self):
        assert {one.reason for one in self.balls_suggested(2)} == {"shows liver", "shows spleen"}

    def test_the_tip_of_a_structure_does_not_show_it(self):
        (chosen,) = self.balls_suggested(1, corrected=[6, 13])
        assert 12 + 3 <= chosen.plane <= 12 + 8


class TestMatch:
    def test_names_go_before_values(self):
        rough = [LabelClass(2, "Liver"), LabelClass(1, "spleen")]
        assert matched([LIVER, SPLEEN], rough, []) == {1: 1, 2: 2}

    @pytest.mark.parametrize("theirs", ["kidney_left", "Kidney-Left", "KIDNEY  LEFT "])
    def test_underscores_hyphens_and_case_do_not_tell_names_apart(self, theirs):
        assert matched([LabelClass(1, "Kidney left")], [LabelClass(7, theirs)], []) == {1: 1}

    def test_the_name_that_is_spelt_the_same_goes_first(self):
        rough = [LabelClass(1, "kidney_left"), LabelClass(2, "kidney left")]
        assert matched([LabelClass(1, "kidney left")], rough, []) == {1: 2}

    def test_no_structure_of_the_program_counts_for_two(self):
        painted = [LabelClass(1, "kidney left"), LabelClass(2, "kidney_left")]
        assert matched(painted, [LabelClass(1, "kidney_left")], []) == {2: 1}

    def test_values_tell_where_one_file_has_no_names(self):
        assert matched([LIVER, SPLEEN], [LabelClass(2, "class 2")], []) == {2: 1}

    def test_values_tell_nothing_where_both_have_names(self):
        with pytest.raises(InputError, match="no structure in common"):
            matched([LIVER], [LabelClass(1, "heart")], [])

    def test_what_is_said_goes_before_all(self):
        rough = [LabelClass(1, "class 1"), LabelClass(5, "class 5")]
        assert matched([LIVER], rough, [("liver", "5")]) == {1: 2}

    def test_a_match_of_what_is_not_there_is_refused(self):
        with pytest.raises(InputError, match="--match kidney"):
            matched([LIVER], [LIVER], [("kidney", "1")])


@pytest.fixture
def files(tmp_path):
    """A function that writes an array and returns its path; image, truth and a rough segmentation are there."""

    def write(name, array, spacing=SPACING, origin=(0.0, 0.0, 0.0)):
        sitk.WriteImage(image_of(array, spacing=spacing, origin=origin), str(tmp_path / name))
        return str(tmp_path / name)

    truth = discs(8)
    write("image.nii.gz", volume_of(truth).intensities)
    write("rough.nii.gz", discs(11))
    painted = np.zeros_like(truth)
    painted[[3, 8]] = truth[[3, 8]]
    write("painted.nii.gz", painted)
    return write


def predict(folder, *arguments):
    return main(["predict", str(folder / "image.nii.gz"), *arguments, "-o", str(folder / "out.nii.gz")])


def result(folder):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "out.nii.gz")))


@pytest.mark.usefixtures("files")
class TestCommandLine:
    def given(self, folder, *more, labels="painted.nii.gz", initial="rough.nii.gz"):
        return predict(folder, str(folder / labels), "--initial", str(folder / initial), "--predictor", "shape", *more)

    def refused(self, capsys):
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return captured.err.strip().splitlines()[-1]

    def test_few_painted_planes_correct_all(self, tmp_path):
        assert self.given(tmp_path) == 0
        assert dice(result(tmp_path), discs(8)) > 0.98
        assert np.array_equal(result(tmp_path)[[3, 8]], discs(8)[[3, 8]])

    def test_an_edited_copy_is_told_by_what_differs(self, tmp_path, files, capsys):
        edited = discs(11)
        edited[[3, 8]] = discs(8)[[3, 8]]
        files("edited.nii.gz", edited)
        assert self.given(tmp_path, labels="edited.nii.gz") == 0
        said = capsys.readouterr().err
        assert "differ from the initial segmentation: planes 3, 8" in said
        assert "not used" not in said  # the labels on other planes are the program's
        assert dice(result(tmp_path), discs(8)) > 0.98

    def test_where_most_planes_differ_it_is_noted_that_all_of_them_count(self, tmp_path, files, capsys):
        solid = np.ones((14, 40, 40), np.uint8) * discs(11)[5]
        files("image.nii.gz", volume_of(solid).intensities)
        files("rough.nii.gz", solid)
        files("other.nii.gz", np.roll(solid, 1, axis=2))
        assert self.given(tmp_path, labels="other.nii.gz") == 0
        assert "note: 14 planes differ from the initial segmentation" in capsys.readouterr().err

    def test_painted_planes_that_corrected_does_not_name_are_noted(self, tmp_path, capsys):
        assert self.given(tmp_path, "--corrected", "3") == 0
        assert "note: labels on plane 8 are not used, as --corrected does not name them" in capsys.readouterr().err

    def test_labels_without_a_structure_take_those_of_the_program(self, tmp_path, files, capsys):
        files("nothing.nii.gz", np.zeros_like(discs(8)))
        assert self.given(tmp_path, labels="nothing.nii.gz") == 0
        assert "expected Dice unknown" in capsys.readouterr().err
        assert np.array_equal(result(tmp_path), discs(11))

    def test_corrected_planes_that_show_nothing_promise_nothing(self, tmp_path, files, capsys):
        files("nothing.nii.gz", np.zeros_like(discs(8)))
        assert self.given(tmp_path, "--corrected", "0,11", labels="nothing.nii.gz") == 0
        assert "expected Dice unknown" in capsys.readouterr().err

    def test_the_edited_file_alone_does_with_its_corrected_planes(self, tmp_path, files):
        edited = discs(11)
        edited[[3, 8]] = discs(8)[[3, 8]]
        labels = files("edited.nii.gz", edited)
        assert predict(tmp_path, labels, "--corrected", "3,8", "--predictor", "shape") == 0
        assert dice(result(tmp_path), discs(8)) > 0.95
        assert np.array_equal(result(tmp_path)[[3, 8]], discs(8)[[3, 8]])

    def test_nothing_corrected_gives_the_rough_one_and_promises_nothing(self, tmp_path, capsys):
        assert self.given(tmp_path, labels="rough.nii.gz") == 0
        assert np.array_equal(result(tmp_path), discs(11))
        assert "expected Dice unknown" in capsys.readouterr().err
        assert self.given(tmp_path, "--probabilities", "p.nrrd", "--predictor", "guided", labels="rough.nii.gz") == 2
        assert "drop --probabilities" in self.refused(capsys)

    def test_another_grid_of_the_same_space_is_resampled(self, tmp_path, files, capsys):
        files("fine.nii.gz", np.repeat(discs(11), 2, axis=0), spacing=(1.0, 1.0, 1.0), origin=(0, 0, -0.5))
        assert self.given(tmp_path) == 0
        expected = result(tmp_path)
        assert self.given(tmp_path, initial="fine.nii.gz") == 0
        assert "was resampled" in capsys.readouterr().err
        assert np.array_equal(result(tmp_path), expected)

    def test_another_space_is_refused(self, tmp_path, files, capsys):
        files("far.nii.gz", discs(11), origin=(500.0, 0.0, 0.0))
        assert self.given(tmp_path, initial="far.nii.gz") == 2
        assert "another space" in self.refused(capsys)

    def test_an_empty_one_is_refused(self, tmp_path, files, capsys):
        files("empty.nii.gz", np.zeros_like(discs(8)))
        assert self.given(tmp_path, initial="empty.nii.gz") == 2
        assert "holds no label" in self.refused(capsys)

    def test_half_the_volume_is_refused(self, tmp_path, files, capsys):
        files("half.nii.gz", discs(11)[:6])
        assert self.given(tmp_path, initial="half.nii.gz") == 2
        assert "covers only 6 of the image's 12" in self.refused(capsys)

    def test_large_voxels_that_end_a_little_before_the_image_are_extended(self, tmp_path, files, capsys):
        solid = np.repeat(discs(11)[5:6], 12, axis=0)
        files("image.nii.gz", volume_of(solid).intensities)
        # Of 0 to 39 mm along the rows and 0 to 22 mm along the planes they reach 0 to 36, and 1 to 19 mm.
        files("large.nii.gz", solid[2:11:3, 3:37:6, 3:40:6], spacing=(6.0, 6.0, 6.0), origin=(3.0, 3.0, 4.0))
        assert self.given(tmp_path, "--range", "0,11", initial="large.nii.gz") == 0
        assert "and was resampled; where its last large voxel ends a little before the image" in capsys.readouterr().err
        assert (result(tmp_path)[[0, 11], 20, 20] == 1).all()

    def test_half_of_a_grid_of_large_voxels_is_refused(self, tmp_path, files, capsys):
        files("half.nii.gz", discs(11)[1:4:2, ::2, ::2], spacing=(2.0, 2.0, 4.0), origin=(0.0, 0.0, 2.0))
        assert self.given(tmp_path, initial="half.nii.gz") == 2
        assert "covers only" in self.refused(capsys)

    def test_a_corrected_plane_outside_the_scan_is_called_corrected(self, tmp_path, capsys):
        assert self.given(tmp_path, "--corrected", "99") == 2
        assert "corrected plane 99 does not exist: planes are numbered 0 to 11" in self.refused(capsys)

    @pytest.mark.parametrize(
        ("half", "place"), [(np.s_[7:], "plane 6"), (np.s_[:, :20], "row 20"), (np.s_[:, :, 24:], "column 23")]
    )
    def test_half_the_structure_on_the_same_grid_is_noted(self, tmp_path, files, capsys, half, place):
        rough = discs(11)
        rough[half] = 0
        files("half.nii.gz", rough)
        assert self.given(tmp_path, initial="half.nii.gz") == 0
        said = capsys.readouterr().err
        assert f"half.nii.gz stops at nearly full size at {place} of 0 to" in said
        assert said.count("nearly full size") == 1

    def test_a_few_painted_planes_are_noted_to_be_no_segmentation(self, tmp_path, capsys):
        assert self.given(tmp_path, initial="painted.nii.gz") == 0
        assert "holds labels on 2 of the planes 3 to 8 only" in capsys.readouterr().err

    def test_how_right_it_is_on_corrected_planes_is_said(self, tmp_path, files, capsys):
        files("right.nii.gz", discs(8))
        assert self.given(tmp_path, initial="right.nii.gz") == 0
        assert "on corrected planes the initial segmentation has a Dice of 1.000" in capsys.readouterr().err

    def test_one_that_lies_elsewhere_is_noted(self, tmp_path, files, capsys):
        files("mirrored.nii.gz", discs(8, centre=(20, 36)))
        assert self.given(tmp_path, initial="mirrored.nii.gz") == 0
        assert "check that it is of this scan, and not mirrored" in capsys.readouterr().err

    def test_structures_that_are_taken_for_each_other_are_noted(self, tmp_path, files, capsys):
        truth = discs(6, centre=(10, 10)) + 2 * discs(6, centre=(28, 28))
        painted = np.zeros_like(truth)
        painted[[3, 8]] = truth[[3, 8]]
        files("two.nii.gz", painted)
        files("swapped.nii.gz", np.array([0, 2, 1], np.uint8)[truth])
        assert self.given(tmp_path, labels="two.nii.gz", initial="swapped.nii.gz") == 0
        said = capsys.readouterr().err
        assert "it has class 1 where class 2 is painted, class 2 where class 1 is painted" in said
        matches = ["--match", "class 2=class 1", "--match", "class 1=class 2"]
        assert 'give --match "class 2=class 1" --match "class 1=class 2"' in said
        assert self.given(tmp_path, *matches, labels="two.nii.gz", initial="swapped.nii.gz") == 0
        assert "where class" not in capsys.readouterr().err
        assert np.array_equal(result(tmp_path), truth)

    def test_what_to_match_is_said_in_the_programs_own_words(self, tmp_path, files, capsys):
        truth = discs(6, centre=(10, 10)) + 2 * discs(6, centre=(28, 28))
        painted = np.zeros_like(truth)
        painted[[3, 8]] = truth[[3, 8]]
        files("two.nii.gz", painted)
        files("right.nii.gz", truth)
        wrong = ["--match", "1=2", "--match", "2=1"]
        assert self.given(tmp_path, *wrong, labels="two.nii.gz", initial="right.nii.gz") == 0
        said = capsys.readouterr().err
        assert "it has class 2 where class 2 is painted, class 1 where class 1 is painted" in said
        assert 'give --match "class 2=class 2" --match "class 1=class 1"' in said

    def test_planes_that_were_edited_and_not_named_are_told(self, tmp_path, files, capsys):
        edited = discs(11)
        edited[[3, 5, 8]] = discs(8)[[3, 5, 8]]
        files("edited.nii.gz", edited)
        assert self.given(tmp_path, "--corrected", "3,8", labels="edited.nii.gz") == 0
        assert "note: plane 5 differs from the initial segmentation, too" in capsys.readouterr().err
        assert self.given(tmp_path, "--corrected", "2,3,5,8", labels="edited.nii.gz") == 0
        assert "differ" not in capsys.readouterr().err

    def test_no_structure_in_common_is_refused_and_match_says_which(self, tmp_path, files, capsys):
        files("other.nii.gz", 5 * discs(11))
        assert self.given(tmp_path, initial="other.nii.gz") == 2
        assert "no structure in common" in self.refused(capsys)
        assert self.given(tmp_path, "--match", "1=5", initial="other.nii.gz") == 0
        assert dice(result(tmp_path), discs(8)) > 0.98

    def test_probabilities_of_a_prediction_are_taken_in_the_labels_order(self, tmp_path, files, capsys):
        values = 3 * discs(8)
        painted = np.zeros_like(values)
        painted[[3, 8]] = values[[3, 8]]
        files("threes.nii.gz", painted)
        chances = np.stack([discs(11) == 0, discs(11) > 0]).astype(np.float32)
        image = sitk.GetImageFromArray(np.moveaxis(chances, 0, -1), isVector=True)
        image.SetSpacing(SPACING)
        sitk.WriteImage(image, str(tmp_path / "chances.nrrd"))
        assert self.given(tmp_path, labels="threes.nii.gz", initial="chances.nrrd") == 0
        assert "probabilities of 1 structure, those of the labels" in capsys.readouterr().err
        assert np.unique(result(tmp_path)).tolist() == [0, 3]
        assert dice(result(tmp_path), discs(8)) > 0.98

    def test_the_probabilities_that_predict_writes_are_read(self, tmp_path):
        chances = tmp_path / "chances.nrrd"
        assert predict(tmp_path, str(tmp_path / "painted.nii.gz"), "--probabilities", str(chances)) == 0
        assert self.given(tmp_path, initial="chances.nrrd") == 0

    def test_of_several_models_the_better_one_counts_more(self, tmp_path, files, capsys):
        files("good.nii.gz", discs(8))
        files("bad.nii.gz", discs(8, centre=(26, 26)))
        assert self.given(tmp_path, "--initial", str(tmp_path / "bad.nii.gz"), initial="good.nii.gz") == 0
        told = capsys.readouterr().err
        assert "2 initial segmentations, which agree with Dice" in told
        assert dice(result(tmp_path), discs(8)) > 0.98

    def test_no_result_goes_over_an_initial_segmentation(self, tmp_path, capsys):
        rough = str(tmp_path / "rough.nii.gz")
        painted = str(tmp_path / "painted.nii.gz")
        arguments = ["predict", str(tmp_path / "image.nii.gz"), painted, "--initial", rough, "-o", rough]
        assert main(arguments) == 2
        assert "--initial" in self.refused(capsys)

    def test_planes_to_correct_are_suggested(self, tmp_path, capsys):
        image, rough = str(tmp_path / "image.nii.gz"), str(tmp_path / "rough.nii.gz")
        assert main(["suggest", image, "--initial", rough, "--count", "3", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert len(told["planes"]) == 3
        painted = str(tmp_path / "painted.nii.gz")
        assert main(["suggest", image, "--initial", rough, "--labels", painted, "--count", "2", "--json"]) == 0
        assert not {3, 8} & set(json.loads(capsys.readouterr().out)["planes"])

    def test_structures_of_any_of_several_programs_are_looked_at(self, tmp_path, files, capsys):
        rows = np.zeros((12, 40, 40), np.uint8)
        rows[7:9, 2:6, 2:6] = 2
        one, both = files("one.nii.gz", 2 * discs(8)), files("both.nii.gz", discs(8) * 2 + rows // 2)
        given = ["--initial", str(one), "--initial", str(both)]
        assert main(["suggest", str(tmp_path / "image.nii.gz"), *given, "--count", "3"]) == 0
        assert "both.nii.gz: class 2; only here: class 1" in capsys.readouterr().err
        start, _ = uncorrected_start([one, both], read_image(tmp_path / "image.nii.gz", "k"))
        assert [(one.value, one.name) for one in start.classes] == [(2, "class 2"), (1, "class 1")]
        assert start.doubt[7, 3, 3] > 0

    def test_a_range_of_a_structure_that_the_program_has_not_is_refused(self, tmp_path, capsys):
        image, rough = str(tmp_path / "image.nii.gz"), str(tmp_path / "rough.nii.gz")
        arguments = ["suggest", image, "--initial", rough, "--count", "3", "--range-of", "lung", "2", "5"]
        assert main(arguments) == 2
        assert "has no structure lung" in self.refused(capsys)

    def test_specks_of_a_program_go_where_nothing_is_corrected(self, tmp_path, files):
        rough = discs(11)
        rough[5, 0, 0] = 1
        files("specked.nii.gz", rough)
        assert self.given(tmp_path, labels="specked.nii.gz", initial="specked.nii.gz") == 0
        assert np.array_equal(result(tmp_path), discs(11))

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--match", "1=5"), "give both"),
            (("--corrected", "3", "--painted", "3"), "give one of them"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, tmp_path, capsys, arguments, sentence):
        assert predict(tmp_path, str(tmp_path / "painted.nii.gz"), *arguments) == 2
        assert sentence in self.refused(capsys)

    def test_a_table_of_cases_has_a_column_for_it(self, tmp_path):
        table = tmp_path / "cases.csv"
        table.write_text("name,image,labels,initial\na,image.nii.gz,painted.nii.gz,rough.nii.gz\n")
        out = tmp_path / "results"
        assert main(["predict", str(table), "-o", str(out), "--predictor", "shape"]) == 0
        assert self.given(tmp_path) == 0
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "a.nii.gz")))
        assert np.array_equal(written, result(tmp_path))
        assert next(csv.DictReader((out / "cases.csv").open()))["state"] == "done"

    def test_a_table_says_which_structures_belong_together(self, tmp_path, files, capsys):
        files("other.nii.gz", 5 * discs(11))
        table, out = tmp_path / "cases.csv", tmp_path / "results"
        table.write_text("name,image,labels,initial,match\na,image.nii.gz,painted.nii.gz,other.nii.gz,1=5\n")
        assert main(["predict", str(table), "-o", str(out), "--predictor", "shape"]) == 0
        assert self.given(tmp_path) == 0
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "a.nii.gz")))
        assert np.array_equal(written, result(tmp_path))
        table.write_text("image,labels,match\nimage.nii.gz,painted.nii.gz,1=5\n")
        assert main(["predict", str(table), "-o", str(out), "--predictor", "shape"]) == 2
        assert "line 2" in self.refused(capsys)
