"""The study of partial against full annotation."""

import csv
import io
import json
import re

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

torch = pytest.importorskip("torch")

from cohort.models import a_ball, a_configuration, bright_model  # noqa: E402
from SparseAnnotateLib import SELECTORS, InputError  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.evaluation.cohort import claims  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.plan import StudyPlan, Trial, painted_planes, trials  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.scanner import as_another_scanner  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.study import measured  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.table import as_csv, as_markdown, differences, summary  # noqa: E402
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert  # noqa: E402
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase  # noqa: E402
from SparseAnnotateLib.metrics import distances  # noqa: E402

NAMES = ("a", "b", "c", "d")


def loaded(planes=20) -> LoadedCase:
    volume, labels = a_ball(planes)
    return LoadedCase(volume, SimulatedExpert(labels))


class TestPlan:
    def test_every_scan_is_tested_on_networks_that_have_not_seen_it(self):
        found = trials(NAMES, StudyPlan(arms=("partial", "full", "all")))
        assert len(found) == 12
        assert all(set(trial.training) | set(trial.tested) == set(NAMES) for trial in found)
        assert not any(set(trial.training) & set(trial.tested) for trial in found)
        for arm in ("partial", "full", "all"):
            assert sorted(name for trial in found if trial.arm == arm for name in trial.tested) == list(NAMES)

    def test_folds_are_dealt_out_by_the_seed(self):
        names = [f"scan{n}" for n in range(10)]
        found = trials(names, StudyPlan(arms=("full",), folds=3, seeds=(0, 1)))
        assert len(found) == 6
        assert [len(trial.tested) for trial in found[:3]] == [4, 3, 3]
        assert found[0].tested != found[3].tested
        assert trials(names, StudyPlan(arms=("full",), folds=3, seeds=(0, 1))) == found

    @pytest.mark.parametrize("full_scans", [1, 2])
    def test_as_many_planes_are_painted_in_both_arms(self, full_scans):
        cases = dict(zip(NAMES, (loaded(20), loaded(24), loaded(28), loaded(20)), strict=True))
        plan, selector = StudyPlan(full_scans=full_scans), SELECTORS.create("keep-n")
        counts = {}
        for trial in trials(NAMES, plan):
            painted = painted_planes(trial, plan, cases, selector)
            counts[trial.arm, trial.fold] = sum(map(len, painted.values()))
            assert set(painted) <= set(trial.training)
            for name, planes in painted.items():
                first, last = cases[name].expert.plane_range
                assert first <= min(planes)
                assert max(planes) <= last
                assert len(set(planes)) == len(planes)
                assert trial.arm == "partial" or planes == list(range(first, last + 1))
            assert len(painted) == (3 if trial.arm == "partial" else full_scans)
        assert all(counts["partial", fold] == counts["full", fold] for fold in range(4))

    def test_all_paints_everything(self):
        cases = dict.fromkeys(NAMES, loaded())
        painted = painted_planes(Trial("all", 0, 0, NAMES[1:], NAMES[:1]), StudyPlan(), cases, None)
        first, last = cases["a"].expert.plane_range
        assert painted == {name: list(range(first, last + 1)) for name in NAMES[1:]}

    @pytest.mark.parametrize(
        ("plan", "message"),
        [
            ({"full_scans": 3}, "nothing to compare with"),
            ({"folds": 5}, "too few for 5 folds"),
        ],
    )
    def test_too_few_scans_are_told(self, plan, message):
        with pytest.raises(InputError, match=message):
            trials(NAMES, StudyPlan(**plan))

    @pytest.mark.parametrize("plan", [{"arms": ("half",)}, {"arms": ()}, {"full_scans": 0}, {"folds": 1}])
    def test_what_makes_no_sense_is_refused(self, plan):
        with pytest.raises(InputError):
            StudyPlan(**plan)


class TestMeasures:
    def test_structures_are_matched_by_value_and_measured_in_mm(self):
        case = loaded()
        shifted = np.roll((case.expert.reference > 0).astype(np.uint8), 1, axis=2)
        configuration = a_configuration(class_names=("other", "ball"), class_values=(9, 3))
        values = measured(2 * shifted, configuration, case)
        truth = case.expert.reference > 0
        expected = distances(shifted > 0, truth, case.volume.spacing_mm)
        assert values["hausdorff_mm"] == expected.hausdorff_mm == 1
        assert values["dice"] == pytest.approx(2 * (truth & (shifted > 0)).sum() / (truth.sum() + shifted.sum()))
        assert 0.3 < values["assd_2d_mm"] < 1
        assert measured(shifted, configuration, case)["dice"] == 0


def result(arm, case, dice, distribution="in", fold=0) -> dict:
    values = {"dice": dice, "hausdorff_mm": 10 - dice, "hausdorff95_mm": 5.0, "assd_2d_mm": None}
    place = {"arm": arm, "case": case, "distribution": distribution, "fold": fold, "seed": 0}
    return {**place, **values, "training_scans": 3, "painted_planes": 50}


RESULTS = [
    result("partial", "a", 0.9),
    result("full", "a", 0.8),
    result("partial", "b", 0.7, fold=1),
    result("full", "b", 0.8, fold=1),
    result("partial", "x", 0.5, "out"),
]


class TestTable:
    def test_means_and_deviations_are_those_of_each_arm(self):
        rows = {(row["arm"], row["distribution"]): row for row in summary(RESULTS)}
        assert set(rows) == {("partial", "in"), ("full", "in"), ("partial", "out")}
        assert rows["partial", "in"]["dice"] == pytest.approx(0.8)
        assert rows["partial", "in"]["dice_sd"] == pytest.approx(np.std([0.9, 0.7], ddof=1))
        assert rows["partial", "out"]["dice_sd"] == 0
        assert np.isnan(rows["partial", "in"]["assd_2d_mm"])

    def test_partial_is_compared_with_full_test_by_test(self):
        (row,) = differences(RESULTS)
        assert row["tests"] == 2
        assert row["dice"] == pytest.approx(0)
        assert row["dice_sd"] == pytest.approx(np.std([0.1, -0.1], ddof=1))
        assert row["dice_better"] == row["hausdorff_mm_better"] == 1

    def test_markdown_and_csv_hold_the_same_numbers(self):
        markdown = as_markdown(RESULTS)
        assert "| partial | in | 3 | 50 | 2 | 0.800 ± 0.141 |" in markdown
        assert "| in distribution | 2 | +0.000 ± 0.141, better in 1 |" in markdown.replace("-0.000", "+0.000")
        rows = list(csv.DictReader(io.StringIO(as_csv(RESULTS))))
        assert [float(row["dice"]) for row in rows] == pytest.approx([0.8, 0.8, 0.5])


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Three scans of a ball, and one of another kind; no curves are drawn, which takes longer than the training."""
    monkeypatch.setattr("SparseAnnotateLib.cohort.training.logs.draw", lambda *_: None)
    for number, folder in enumerate(("data/a", "data/b", "data/c", "other/x")):
        (tmp_path / folder).mkdir(parents=True)
        volume, labels = a_ball(16 + number, noise=5.0)
        for name, array in (("image", volume.intensities), ("label", labels)):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(tmp_path / folder / f"{name}.nii.gz"))
    return tmp_path


def evaluate(data, *more) -> int:
    settings = "--block 8,16,16 --channels 2 --depth 2 --epochs 1 --blocks-per-epoch 8 --optimisation one-cycle"
    where = ["cohort", "evaluate", str(data / "data"), "-o", str(data / "study"), "--device", "cpu"]
    return main([*where, *settings.split(), "--out-of-distribution", str(data / "other"), *more])


class TestCommand:
    @pytest.mark.slow
    def test_it_goes_on_where_it_was_stopped_and_writes_the_table(self, data, capsys, monkeypatch):
        import SparseAnnotateLib.cohort.training.trainer as training

        train, trained = training.train_cohort, []

        def stopped_at_the_third(scans, settings, **more):
            trained.append([scan.name for scan in scans])
            if len(trained) == 3:
                raise KeyboardInterrupt
            return train(scans, settings, **more)

        monkeypatch.setattr(training, "train_cohort", stopped_at_the_third)
        assert evaluate(data) == 130
        assert "stopped; what is done is kept" in capsys.readouterr().err
        with open(data / "study" / "results.jsonl", "a", encoding="utf-8") as file:
            file.write('{"identity": "cut sho')
        assert evaluate(data) == 0
        assert len(trained) == 7
        table = capsys.readouterr().out
        assert table == (data / "study" / "study.md").read_text(encoding="utf-8")
        assert "| partial | in | 2 |" in table
        assert "| full | out of | 1 |" in table
        lines = (data / "study" / "results.jsonl").read_text(encoding="utf-8").splitlines()
        whole = [json.loads(line) for line in lines if line.endswith("}")]
        assert len(whole) == 12
        assert {one["case"] for one in whole if one["distribution"] == "out"} == {"x"}
        assert evaluate(data) == 0
        assert len(trained) == 7

    def test_other_settings_are_another_study(self, data, monkeypatch):
        import SparseAnnotateLib.cohort.training.trainer as training

        trained = []

        def not_trained(_scans, settings, **_):
            trained.append(settings)
            return bright_model()

        monkeypatch.setattr(training, "train_cohort", not_trained)
        assert evaluate(data, "--arms", "full", "-q") == 0
        assert evaluate(data, "--arms", "full", "--learning-rate", "0.01", "-q") == 0
        assert [settings.learning_rate for settings in trained] == [None] * 3 + [0.01] * 3
        assert trained[0].block == (8, 16, 16)

    def test_too_many_full_scans_are_told_before_anything_is_done(self, data, capsys):
        assert evaluate(data, "--full-scans", "2") == 2
        assert "nothing to compare with" in capsys.readouterr().err
        assert not (data / "study").exists()


class TestSplit:
    NAMES = tuple(f"scan{n}" for n in range(10))

    def test_scans_to_learn_from_validate_with_and_test_on_are_drawn_anew_with_each_seed(self):
        plan = StudyPlan(arms=("partial", "full"), full_scans=2, split=(5, 2, 3), steps=("one", "two"), seeds=(0, 1))
        found = trials(self.NAMES, plan)
        assert [(one.arm, one.step, one.seed) for one in found[:4]] == [
            ("partial", "one", 0),
            ("partial", "two", 0),
            ("full", "one", 0),
            ("full", "two", 0),
        ]
        assert len(found) == 8
        for one in found:
            parts = (one.training, one.validation, one.tested)
            assert [len(part) for part in parts] == [5, 2, 3]
            assert len({name for part in parts for name in part}) == 10
        assert found[0].tested == found[3].tested != found[4].tested
        assert len({one.name for one in found}) == 8

    @pytest.mark.parametrize(
        ("plan", "message"),
        [
            ({"split": (8, 2, 3)}, "too few for a split"),
            ({"split": (2, 1, 1), "full_scans": 2}, "nothing to compare with"),
            ({"split": (3, 0, 0)}, "to test on"),
            ({"split": (3, 0, 1), "folds": 3}, "one of them"),
            ({"steps": ("three",)}, "choose among one, two"),
            ({"steps": ("one", "one")}, "--steps names one twice"),
            ({"seeds": (0, 1, 0)}, "--seeds names 0 twice: name it once"),
            ({"arms": ("full", "full")}, "--arms names full twice"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, plan, message):
        with pytest.raises(InputError, match=message):
            trials(self.NAMES, StudyPlan(**plan))

    def test_without_borders_the_same_planes_are_painted_and_nothing_is_known_beyond(self):
        cases = dict.fromkeys(NAMES, loaded())
        plan, selector = StudyPlan(arms=("partial", "partial-no-borders")), SELECTORS.create("block")
        both = [painted_planes(one, plan, cases, selector) for one in trials(NAMES, plan)[:2]]
        assert both[0] == both[1]
        expert, planes = cases["a"].expert, next(iter(both[0].values()))
        with_borders, without = expert.paint(planes), expert.paint(planes, clicked=False)
        assert without.plane_range == (0, 19)
        assert np.flatnonzero(without.known.any(axis=(1, 2))).tolist() == planes
        assert np.flatnonzero(with_borders.known.any(axis=(1, 2))).tolist() != planes
        assert np.array_equal(with_borders.labels, without.labels)


def stepped(arm, step, dice, seed=0, distribution="in", case="a") -> dict:
    return {**result(arm, case, dice, distribution), "step": step, "seed": seed}


class TestClaims:
    def test_each_is_told_with_its_numbers_and_whether_it_was_seen(self):
        results = []
        for seed, change in enumerate((0.03, 0.05, 0.04, 0.04)):
            results += [stepped("full", "one", 0.80, seed), stepped("full", "two", 0.79, seed)]
            results += [stepped("partial", "one", 0.81, seed), stepped("partial", "two", 0.79 + change, seed)]
            results += [stepped("partial-no-borders", "two", 0.70, seed)]
        told = claims.as_markdown(results)
        same_effort = "partial annotation is no worse than full annotation of the same effort"
        assert f"| {same_effort} | 0.830 against 0.790: +0.040 ± 0.013 (4 of 4 above 0), 4 tests | yes |" in told
        borders = "0.830 against 0.700: +0.130 ± 0.013 (4 of 4 above 0), 4 tests | yes |"
        assert f"| knowing the border slices helps | {borders}" in told
        assert "helps full annotation | 0.790 against 0.800: -0.010 ± 0.000 (0 of 4 above 0), 4 tests | no |" in told
        assert "standard deviation of the Dice 0.008 against 0.000 | unclear |" in told
        assert "out of distribution" not in told

    def test_what_differs_from_seed_to_seed_more_than_in_the_mean_is_unclear(self):
        results = []
        for seed, dice in ((0, 0.7), (1, 0.85)):
            results += [stepped("full", "", 0.8, seed), stepped("partial", "", dice, seed)]
        told = "0.775 against 0.800: -0.025 ± 0.953 (1 of 2 above 0), 2 tests | unclear |"
        assert told in claims.as_markdown(results)

    def test_of_one_randomisation_nothing_is_claimed(self):
        results = [stepped("full", "", 0.8), stepped("partial", "", 0.9)]
        assert "0.900 against 0.800: +0.100, one randomisation, 1 tests | unclear |" in claims.as_markdown(results)

    def test_spread_is_compared_within_each_randomisation(self):
        results = []
        for seed, level in ((0, 0.7), (1, 0.8)):
            for case, sign in (("a", -1), ("b", 1)):
                results.append(stepped("partial", "", level + sign * 0.01, seed, case=case))
                results.append(stepped("full", "", 0.7 + sign * 0.05, seed, case=case))
        told = "full minus partial in each randomisation: +0.057 ± 0.000 (2 of 2 above 0) | yes |"
        assert told in claims.as_markdown(results)

    def test_distances_are_told_in_mm_and_smaller_ones_are_better(self):
        results = []
        for seed in range(3):
            for case, away in (("a", 0), ("b", 1), ("c", None)):
                partial, full = stepped("partial", "", 0.8, seed, case=case), stepped("full", "", 0.8, seed, case=case)
                known = away is not None
                results.append({**partial, "assd_2d_mm": 2.0 + away if known else None})
                results.append({**full, "assd_2d_mm": 5.0 + 3 * away if known else 1.0})
        told = claims.as_markdown(results)
        closer = "2.5 against 6.5 mm; full minus partial: +4.0 ± 0.0 (3 of 3 above 0), 6 tests | yes |"
        assert f"(2-D ASSD) as those of full annotation | {closer}" in told
        spread = "standard deviation of the 2-D ASSD 0.5 against 1.6 mm; full minus partial in each randomisation: +1.4"
        assert f"| 2-D ASSD of partial annotation spreads less (in distribution) | {spread} ± 0.0" in told

    def test_border_slices_are_compared_by_their_spread_too(self):
        results = []
        for seed in range(2):
            for case, sign in (("a", -1), ("b", 1)):
                results.append(stepped("partial", "", 0.8 + 0.01 * sign, seed, case=case))
                results.append(stepped("partial-no-borders", "", 0.8 + 0.03 * sign, seed, case=case))
        told = "without minus with in each randomisation: +0.028 ± 0.000 (2 of 2 above 0) | yes |"
        assert told in claims.as_markdown(results)

    def test_a_study_of_one_arm_tells_nothing(self):
        assert claims.as_markdown([result("full", "a", 0.8)]) == ""

    def test_tables_tell_steps_and_simulated_scanners(self):
        markdown = as_markdown([stepped("full", "one", 0.8), stepped("full", "two", 0.9, distribution="scanner")])
        assert "| full, step one | in |" in markdown
        assert "| full, step two | simulated scanner |" in markdown


def test_a_simulated_scanner_shows_the_same_scan_otherwise():
    volume, _ = a_ball(noise=5.0)
    other = as_another_scanner(volume)
    assert other.spacing_mm == volume.spacing_mm
    assert other.axis == volume.axis
    assert other.intensities.shape == volume.shape
    assert 0.5 < np.corrcoef(other.intensities.ravel(), volume.intensities.ravel())[0, 1] < 0.999
    assert np.array_equal(other.intensities, as_another_scanner(volume).intensities)


class TestSteps:
    @pytest.mark.slow
    def test_the_second_step_begins_with_the_first_ones_network_and_scanners_are_tested(self, data, monkeypatch):
        import SparseAnnotateLib.cohort.training.trainer as training

        train, trained = training.train_cohort, []

        def noted(scans, settings, **more):
            trained.append((settings.optimisation, more["start"] is not None, settings.validation_scans))
            return train(scans, settings, **more)

        monkeypatch.setattr(training, "train_cohort", noted)
        steps = ["--split", "2", "0", "1", "--arms", "partial", "--steps", "one", "two", "--simulated-scanner", "-q"]
        assert evaluate(data, *steps) == 0
        assert trained == [("plateau", False, ()), ("restarts", True, ())]
        lines = (data / "study" / "results.jsonl").read_text(encoding="utf-8").splitlines()
        whole = [json.loads(line) for line in lines if line]
        assert [(one["step"], one["distribution"]) for one in whole] == [
            (step, where) for step in ("one", "two") for where in ("in", "scanner", "out")
        ]

    def test_a_plan_is_told_and_nothing_is_done(self, data, capsys):
        assert evaluate(data, "--plan") == 0
        told = capsys.readouterr().out
        assert "6 networks: partial-fold0-seed0, full-fold0-seed0" in told
        assert re.search(r"networks to train: 6; tests to do: 12\ntraining takes about \d+ (s|min) on two cores", told)
        assert not (data / "study").exists()

    def test_a_plan_tells_what_is_left_after_an_interruption(self, data, capsys, monkeypatch):
        import SparseAnnotateLib.cohort.training.trainer as training

        trained = []

        def stopped_at_the_third(_scans, settings, **_):
            trained.append(settings)
            if len(trained) == 3:
                raise KeyboardInterrupt
            return bright_model()

        monkeypatch.setattr(training, "train_cohort", stopped_at_the_third)
        steps = ["--split", "2", "0", "1", "--steps", "two"]
        assert evaluate(data, *steps, "--plan") == 0
        assert "networks to train: 4; tests to do: 4" in capsys.readouterr().out  # two first steps, which nobody tests
        assert evaluate(data, *steps) == 130
        capsys.readouterr()
        assert evaluate(data, *steps, "--plan") == 0
        assert "networks to train: 2; tests to do: 2" in capsys.readouterr().out
        assert evaluate(data, *steps) == 0
        capsys.readouterr()
        assert evaluate(data, *steps, "--plan") == 0
        assert "all of it is done" in capsys.readouterr().out

    @pytest.mark.parametrize("plan", [(), ("--plan",)])
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ("label", "x has the structure 9, which the scans to learn from lack (they have 3): choose what both have"),
            ("spacing", "x: planes lie 20 mm apart, the cohort model has learnt from 2 mm"),
        ],
    )
    def test_other_data_that_no_network_can_read_are_refused_before_anything_is_trained(
        self, data, capsys, plan, change, told
    ):
        for name in ("image", "label"):
            path = str(data / "other" / "x" / f"{name}.nii.gz")
            image = sitk.ReadImage(path)
            if change == "spacing":
                image.SetSpacing((1.0, 1.0, 20.0))
            elif name == "label":
                image[0, 0, 8] = 9
            sitk.WriteImage(image, path)
        assert evaluate(data, *plan) == 2
        assert told in capsys.readouterr().err
        assert not (data / "study").exists()
