"""The study of Zhang 2019: planes that a network asks for, against other ways to choose them."""

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

torch = pytest.importorskip("torch")

from cohort.models import a_ball, a_configuration  # noqa: E402
from SparseAnnotateLib import InputError  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.cohort.applying.looking import Look  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.active import claims  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.active.asking import at_intervals, drawn, first_planes, next_planes  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.active.measures import measured, rank_correlation  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.active.plan import ActivePlan, rounds  # noqa: E402
from SparseAnnotateLib.evaluation.cohort.active.report import as_csv, as_markdown  # noqa: E402
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert  # noqa: E402
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase  # noqa: E402

RANGES = {"a": range(64), "b": range(64)}


class TestPlan:
    def test_every_strategy_paints_more_and_more_and_full_annotation_is_trained_as_long(self):
        plan = ActivePlan(strategies=("attention", "random"), shares=(0.1, 0.2, 0.4))
        found = [(one.strategy, one.number) for one in rounds(plan)]
        assert found == [(name, number) for name in ("attention", "random", "full") for number in range(3)]

    def test_no_scan_is_in_both_parts(self):
        names = [str(n) for n in range(13)]
        painted, others = ActivePlan().parts(names, 0)
        assert (len(painted), len(others)) == (9, 4)
        assert sorted([*painted, *others]) == sorted(names)
        assert ActivePlan().parts(names, 1) != (painted, others)

    @pytest.mark.parametrize(
        "plan",
        [
            {"strategies": ("best",)},
            {"strategies": ()},
            {"strategies": ("random", "random")},
            {"shares": (0.5, 0.25)},
            {"shares": ()},
            {"shares": (1.0,)},
            {"seeds": (1, 1)},
        ],
    )
    def test_what_makes_no_sense_is_refused(self, plan):
        with pytest.raises(InputError):
            ActivePlan(**plan)

    @pytest.mark.parametrize("count", [0, 3])
    def test_both_parts_need_a_scan(self, count):
        with pytest.raises(InputError, match="at least one for each part"):
            ActivePlan(unpainted_scans=count).parts(["a", "b", "c"], 0)


def a_look(agreement, uncertainty) -> Look:
    nothing = np.zeros((len(agreement), 1, 1), np.uint8)
    return Look(nothing, nothing, np.array(agreement), np.array(uncertainty), np.ones(len(agreement)))


class TestAsking:
    def test_intervals_are_equal_and_halved_ones_hold_those_of_before(self):
        assert at_intervals(range(64), 1 / 16, 1 / 16) == [8, 24, 40, 56]
        for share in (1 / 8, 1 / 4, 1 / 2):
            finer = at_intervals(range(64), share, 1 / 16)
            assert len(finer) == 64 * share
            assert {*at_intervals(range(64), share / 2, 1 / 16)} <= {*finer}
            assert {*np.diff(finer)} == {1 / share}

    def test_intervals_begin_where_the_structures_do(self):
        assert at_intervals(range(10, 42), 1 / 16, 1 / 16) == [18, 34]

    def test_drawn_planes_of_a_smaller_share_are_among_those_of_a_larger_one(self):
        few, many = drawn(RANGES, 0.1, 0), drawn(RANGES, 0.5, 0)
        assert sum(map(len, many.values())) == 64
        assert all({*planes} <= {*many[name]} for name, planes in few.items())
        assert drawn(RANGES, 0.5, 1) != many

    def test_all_but_random_begin_with_equal_intervals(self):
        for strategy in ("attention", "uncertainty", "equal-interval"):
            assert first_planes(strategy, RANGES, 1 / 16, 0) == {name: [8, 24, 40, 56] for name in RANGES}
        assert first_planes("random", RANGES, 1 / 16, 0) == drawn(RANGES, 1 / 16, 0)

    @pytest.mark.parametrize(("strategy", "expected"), [("attention", [2, 5]), ("uncertainty", [1, 5])])
    def test_active_ones_ask_for_what_their_network_doubts(self, strategy, expected):
        agreement, uncertainty = np.ones(8), np.zeros(8)
        agreement[2], uncertainty[1] = 0.1, 9.0
        looks = {"a": a_look(agreement, uncertainty), "b": a_look(np.ones(8), np.zeros(8))}
        painted = {"a": [5], "b": [4]}
        found = next_planes(strategy, painted, {"a": range(8), "b": range(8)}, (1 / 8, 3 / 16), 0, looks.__getitem__)
        assert found == {"a": expected, "b": [4]}
        assert painted == {"a": [5], "b": [4]}

    def test_nothing_is_asked_for_beyond_the_ends(self):
        looks = {"a": a_look(np.array([0.0, 0.1, 0.2, 0.9, 0.8, 0.7, 0.3, 0.0]), np.zeros(8))}
        assert next_planes("attention", {"a": [4]}, {"a": range(3, 7)}, (1 / 4, 1 / 2), 0, looks.__getitem__) == {
            "a": [4, 6]
        }


class TestMeasures:
    def test_true_and_pseudo_measures_are_those_of_the_paper(self):
        volume, labels = a_ball()
        case = LoadedCase(volume, SimulatedExpert(labels))
        first = np.roll(labels > 0, 2, axis=2).astype(np.uint8)
        look = Look((labels > 0).astype(np.uint8), first, np.linspace(0, 1, 20), np.zeros(20), np.ones(20))
        row = measured(look, a_configuration(), case)
        assert row["dice"] == 1
        inside = (labels > 0).any(axis=(1, 2))
        assert [value is not None for value in row["true"]] == inside.tolist()
        plane = int(np.flatnonzero(inside)[0])
        a, b = first[plane] > 0, labels[plane] > 0
        assert row["true"][plane] == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), abs=1e-4)

    def test_the_rank_correlation_passes_over_planes_without_anything_and_painted_ones(self):
        row = {"true": [None, 0.1, 0.2, 0.3, 0.9], "pseudo": [0.9, 0.3, 0.2, 0.1, 0.9]}
        assert rank_correlation(row, "pseudo", without=[4]) == pytest.approx(-1)
        assert np.isnan(rank_correlation(row, "pseudo", without=[3, 4]))


def result(strategy, number, part, dice, case="a", seed=0):
    values = {"true": [0.1, 0.2, 0.4, 0.3], "pseudo": [0.1, 0.2, 0.3, 0.4], "expected": [0.4, 0.3, 0.1, 0.2]}
    place = {"strategy": strategy, "number": number, "part": part, "seed": seed, "case": case}
    painted = {"painted": [4, 5] if part == "A" else [], "painted_empty": 1 if part == "A" else 0, "painted_in_all": 9}
    return {**place, **values, **painted, "structures": 1, "dice": dice}


class TestReport:
    def test_it_tells_dice_what_reaches_full_annotation_and_the_correlations(self):
        plan = ActivePlan(strategies=("attention",), shares=(0.1, 0.2))
        dice = {("attention", 0): 0.7, ("attention", 1): 0.897, ("full", 1): 0.9}
        results = [result(*one, part, value) for one, value in dice.items() for part in "AB"]
        told = as_markdown(results, plan)
        assert "| attention | 0.1 | 50% | 0.700 ± 0.000 (1) | 0.700 ± 0.000 (1) |" in told
        assert "| full annotation | 1 | 50% | 0.900 ± 0.000 (1) |" in told
        assert "minus equal intervals" not in told
        assert "Part B, within 0.005 of full annotation (0.900): attention from 0.2." in told
        assert "| attention | 0.1 | 0.80 ± 0.00 | -1.00 ± 0.00 | 0.80 ± 0.00 | -1.00 ± 0.00 |" in told
        assert as_csv(results, plan).splitlines()[1] == "attention,0.1,0,A,a,9,1,0.7000,0.800,-1.000"

    def test_strategies_are_compared_seed_by_seed(self):
        plan = ActivePlan(strategies=("attention", "equal-interval"), shares=(0.1, 0.2), seeds=(0, 1))
        told = as_markdown(of_two_seeds(plan), plan)
        columns = "minus equal intervals, A | minus equal intervals, B | minus full annotation, A |"
        assert f"| 2 seeds | painted | {columns} minus full annotation, B |" in told
        to_equal, to_full = "+0.060 ± 0.508 (2 of 2 above 0)", "-0.150 ± 0.635 (0 of 2 above 0)"
        assert f"| attention | 0.2 | {to_equal} | {to_equal} | {to_full} | {to_full} |" in told
        # The first planes are the same, so that there is nothing to compare.
        assert "| attention | 0.1 |  |  | -0.200 ± 0.000" in told

    def test_several_structures_agree_by_accuracy(self):
        plan = ActivePlan(strategies=("attention",), shares=(0.1,))
        results = [result("attention", 0, part, 0.7) | {"structures": 4} for part in "AB"]
        results += [result("full", 0, part, 0.9) | {"structures": 4} for part in "AB"]
        told = as_markdown(results, plan)
        assert "| P-accuracy, part A | expected Dice, part A |" in told
        assert "the paper, P-accuracy: .92" in told
        assert "P-DSC" not in told


def of_two_seeds(plan):
    """Attention is .06 better than equal intervals in the later round, by .1 and .02 in the seeds."""
    dice = {("attention", 0): 0.8, ("attention", 1): 0.7, ("equal-interval", 0): 0.7, ("equal-interval", 1): 0.68}
    later = [result(one, 1, part, value, seed=seed) for (one, seed), value in dice.items() for part in "AB"]
    first = [result(one, 0, part, 0.7, seed=seed) for one in plan.strategies for seed in (0, 1) for part in "AB"]
    return [*first, *later, *(result("full", 1, part, 0.9, seed=seed) for seed in (0, 1) for part in "AB")]


class TestClaims:
    PLAN = ActivePlan(strategies=("attention", "equal-interval"), shares=(0.0625, 0.15, 0.3, 0.5), seeds=(0, 1, 2))

    def told(self, attention, equal, full=0.9, structures=1):
        """The table, where both strategies have the same Dice in all rounds and nearly in all seeds."""
        results = []
        for strategy, dice in (("attention", attention), ("equal-interval", equal), ("full", full)):
            for number in [3] if strategy == "full" else range(4):
                for seed in self.PLAN.seeds:
                    jitter = 0.001 * seed if strategy == "attention" else 0
                    results += [result(strategy, number, part, dice + jitter, seed=seed) for part in "AB"]
        return claims.as_markdown([one | {"structures": structures} for one in results], self.PLAN)

    def test_a_better_choice_is_seen(self):
        told = self.told(0.897, 0.85)
        better = "+0.048 ± 0.002 (3 of 3 above 0) | yes"
        assert f"| attention is better than equal-interval (mean of 0.15 to 0.5) | {better} | {better} |" in told
        fewer = "attention at 0.3 is better than equal-interval at 0.5 (the paper: 0.3 and 0.5)"
        assert f"| {fewer} | {better} | {better} |" in told

    @pytest.mark.parametrize(("dice", "seen"), [(0.897, "yes"), (0.894, "unclear"), (0.88, "no")])
    def test_full_annotation_is_reached_where_less_than_the_margin_is_missing(self, dice, seen):
        told = self.told(dice, 0.85)
        line = next(one for one in told.splitlines() if "of full annotation" in one)
        assert "attention at 0.15 is within 0.005 of full annotation (the paper: at 0.15)" in line
        assert line.count(f"| {seen} |") == 2

    def test_tissues_may_take_more(self):
        assert "attention at 0.3 is within 0.005 of full annotation (the paper: at 0.3)" in self.told(0.9, 0.9, 0.9, 4)

    def test_the_order_of_planes_is_told(self):
        line = next(one for one in self.told(0.9, 0.9).splitlines() if "agreement" in one)
        assert line.count("+0.800 ± 0.000 (3 of 3 above 0) | yes") == 2

    def test_nothing_is_claimed_where_attention_was_left_out(self):
        assert claims.as_markdown([], ActivePlan(strategies=("random",))) == ""


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Four scans of a ball."""
    monkeypatch.setattr("SparseAnnotateLib.cohort.training.logs.draw", lambda *_: None)
    for number, name in enumerate("abcd"):
        (tmp_path / "data" / name).mkdir(parents=True)
        volume, labels = a_ball(16 + number, noise=5.0)
        for role, array in (("image", volume.intensities), ("label", labels)):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(tmp_path / "data" / name / f"{role}.nii.gz"))
    return tmp_path


def evaluate(data, *more) -> int:
    settings = "--active --block 8,16,16 --channels 2 --depth 2 --epochs 1 --blocks-per-epoch 2 --shares 0.25 0.5"
    where = ["cohort", "evaluate", str(data / "data"), "-o", str(data / "study"), "--device", "cpu"]
    return main([*where, *settings.split(), *more])


def counted_looks(monkeypatch) -> list:
    """(network, scan) of every look that is taken from now on."""
    from SparseAnnotateLib.evaluation.cohort.active import study

    look, looked = study.look_at, []

    def counted(model, volume, how):
        looked.append((model.fingerprint, float(volume.intensities.sum())))
        return look(model, volume, how)

    monkeypatch.setattr(study, "look_at", counted)
    return looked


class TestCommand:
    def test_options_of_the_other_study_are_refused(self, data, capsys):
        assert evaluate(data, "--steps", "one") == 2
        assert "--steps means nothing with --active" in capsys.readouterr().err
        where = ["cohort", "evaluate", str(data / "data"), "-o", str(data / "study")]
        assert main([*where, "--shares", "0.5"]) == 2
        assert "--shares means nothing without --active" in capsys.readouterr().err
        assert not (data / "study").exists()

    def test_a_plan_is_told_and_nothing_is_done(self, data, capsys):
        assert evaluate(data, "--plan") == 0
        told = capsys.readouterr().out
        assert "part A" in told
        assert "10 networks: attention 0.25 seed 0, attention 0.5 seed 0" in told
        # Of ten networks three begin with the same planes; the second round of equal intervals is known beforehand.
        assert "at most 8 networks to train and 28 tests to do" in told
        assert "training takes at most about" in told
        assert not (data / "study").exists()

    @pytest.mark.slow
    def test_with_clicked_ends_no_empty_plane_is_painted(self, data, capsys, monkeypatch):
        looked = counted_looks(monkeypatch)
        assert evaluate(data, "--clicks", "all", "--strategies", "attention") == 0
        told = capsys.readouterr().out
        assert "| attention | 0.25 | 0% |" in told
        assert "| full annotation | 1 | 0% |" in told
        # Two networks and that of everything look at each scan once: by what they are tested they are asked.
        assert len(looked) == len(set(looked)) == 3 * 4

    @pytest.mark.slow
    def test_it_goes_on_where_it_was_stopped_and_strategies_that_paint_alike_share_a_network(
        self, data, capsys, monkeypatch
    ):
        import SparseAnnotateLib.cohort.training.trainer as training

        train, trained = training.train_cohort, []

        def stopped_at_the_third(scans, settings, **more):
            trained.append((settings.optimizer, settings.loss, more["start"] is not None))
            if len(trained) == 3:
                raise KeyboardInterrupt
            return train(scans, settings, **more)

        monkeypatch.setattr(training, "train_cohort", stopped_at_the_third)
        assert evaluate(data) == 130
        assert "stopped; what is done is kept" in capsys.readouterr().err
        assert evaluate(data, "--plan") == 0
        assert "at most 6 networks to train and 20 tests to do" in capsys.readouterr().out
        assert evaluate(data) == 0
        # Two of attention, one more of uncertainty and of equal intervals, two drawn, two of everything; one stopped.
        assert len(trained) == 2 + 1 + 1 + 2 + 2 + 1
        assert {one[:2] for one in trained} == {("sgd", "ce")}
        assert sum(started for _, _, started in trained) == 6
        table = (data / "study" / "active.md").read_text(encoding="utf-8")
        assert capsys.readouterr().out.strip() == table.strip()
        for name in ("active.csv", "active_dice.png", "active_orders.png"):
            assert (data / "study" / name).stat().st_size > 100
        lines = [one for one in (data / "study" / "active.jsonl").read_text(encoding="utf-8").splitlines() if one]
        assert len({(one["identity"], one["case"]) for one in map(json.loads, lines)}) == len(lines)
        looked = counted_looks(monkeypatch)
        assert evaluate(data) == 0
        assert len(trained) == 9
        assert not looked, "what networks have asked for is kept"
        capsys.readouterr()
        assert evaluate(data, "--plan") == 0
        assert "all of it is done" in capsys.readouterr().out

    @pytest.mark.slow
    def test_an_interrupted_study_has_the_same_numbers_and_tests_with_other_windows_are_done_anew(
        self, data, monkeypatch
    ):
        import SparseAnnotateLib.cohort.training.trainer as training

        train, trained = training.train_cohort, []

        def stopped_at_the_second(*given, **more):
            trained.append(given)
            if len(trained) == 2:
                raise KeyboardInterrupt
            return train(*given, **more)

        monkeypatch.setattr(training, "train_cohort", stopped_at_the_second)
        few = ("--strategies", "random", "--shares", "0.25")
        assert evaluate(data, *few) == 130
        assert evaluate(data, *few) == 0
        results = (data / "study" / "active.csv").read_text(encoding="utf-8")
        (data / "study").rename(data / "interrupted")
        assert evaluate(data, *few) == 0
        assert (data / "study" / "active.csv").read_text(encoding="utf-8") == results
        looked = counted_looks(monkeypatch)
        assert evaluate(data, *few, "--overlap", "0.25") == 0
        assert len(looked) == 2 * 4
        assert evaluate(data, *few) == 0
        assert len(looked) == 2 * 4
