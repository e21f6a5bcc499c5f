"""Rounds of suggest, paint, predict."""

import json

import numpy as np
import pytest
from predictors.predictor_tester import a_ball_with_a_core
from SparseAnnotateLib import PREDICTORS, SELECTORS, InputError
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.rounds import Stopping, _counts, agreement_of, simulate_rounds
from SparseAnnotateLib.evaluation.simulation.simulation import simulate


def rounds(selector="cover", predictor="shape", options=None, **keywords):
    volume, labels = a_ball_with_a_core(planes=30, spacing_mm=(1.2, 1.0, 1.0))
    return simulate_rounds(
        volume,
        SimulatedExpert(labels),
        SELECTORS.create(selector),
        PREDICTORS.create(predictor, options or {}),
        **{"count": 8, "rounds": 3, **keywords},
    )


def test_each_round_paints_its_share():
    told = rounds().measured["rounds"]
    assert [one["painted"] for one in told] == [4, 6, 8]
    assert [len(one["planes"]) for one in told] == [4, 2, 2]
    assert len({plane for one in told for plane in one["planes"]}) == 8


@pytest.mark.parametrize(
    ("count", "number", "share", "painted"),
    [
        (8, 2, 0.75, [6, 8]),
        (3, 2, 0.9, [2, 3]),
        (10, 3, 0.5, [5, 7, 10]),
        (15, 3, None, [5, 10, 15]),
        (9, 3, None, [4, 6, 9]),
        (10, 2, None, [5, 10]),
        (6, 2, None, [4, 6]),
        (4, 2, None, [3, 4]),
        (7, 1, None, [7]),
        (4, 4, 0.9, [1, 2, 3, 4]),
    ],
)
def test_the_first_round_may_paint_more(count, number, share, painted):
    assert _counts(count, number, share) == painted


def test_the_outcome_is_that_of_the_last_round():
    outcome = rounds()
    last = outcome.measured["rounds"][-1]
    assert outcome.measured["dice_all"] == last["dice_all"]
    assert outcome.measured["planes_painted"] == sorted(p for one in outcome.measured["rounds"] for p in one["planes"])
    assert outcome.measured["selector"] == "cover"
    assert outcome.measured["stopped_by"] == "planes"


def test_one_round_is_a_simulation():
    volume, labels = a_ball_with_a_core()
    expert, selector, predictor = SimulatedExpert(labels), SELECTORS.create("keep-n"), PREDICTORS.create("nearest")
    once = simulate(volume, expert, selector, predictor, count=4)
    outcome = simulate_rounds(volume, expert, selector, predictor, count=4, rounds=1)
    assert np.array_equal(once.prediction.labels, outcome.prediction.labels)


def test_it_stops_once_the_expected_dice_is_reached():
    outcome = rounds(stopping=Stopping(expected_dice=0.01))
    assert len(outcome.measured["rounds"]) == 1
    assert outcome.measured["stopped_by"] == "expected dice"


def test_it_stops_once_nothing_changes():
    outcome = rounds(stopping=Stopping(stable=2.0))
    assert len(outcome.measured["rounds"]) == 2
    assert outcome.measured["stopped_by"] == "stable"


def test_agreement_is_that_of_two_heads_where_there_are_two():
    volume, labels = a_ball_with_a_core()
    annotation = SimulatedExpert(labels).paint([5, 14])
    prediction = rounds(count=2, rounds=1).prediction
    told = type(prediction)(
        annotation.labels, details={"p_accuracy": [0.25] * len(labels), "p_dsc": [0.5] * len(labels)}
    )
    assert agreement_of(told, annotation, volume.spacing_mm) == 0.25


def test_interpolated_outlines_are_not_compared_with_themselves():
    told = rounds(predictor="shape", stopping=Stopping(stable=1e-6)).measured
    assert max(one["agreement"] for one in told["rounds"][:-1]) < 1
    assert told["stopped_by"] == "planes"


def test_an_uncertain_selector_gets_the_probabilities_of_the_predictor():
    outcome = rounds("uncertainty", "guided", count=4, rounds=2)
    assert outcome.prediction.probabilities is not None


def test_a_network_goes_on_from_its_last_weights():
    pytest.importorskip("torch", reason="torch is not installed")
    options = {"iterations": 2, "width": 2, "patch": (8, 16, 16), "device": "cpu"}
    outcome = rounds("attention", "attention-unet3d", options, count=4, rounds=2)
    assert outcome.prediction.details["continued"]


def test_more_rounds_than_planes_are_refused():
    with pytest.raises(InputError, match="at least one plane"):
        rounds(count=2, rounds=3)


class TestCommand:
    def files(self, tmp_path):
        import SimpleITK

        volume, labels = a_ball_with_a_core()
        for name, array in (("image", volume.intensities), ("label", labels)):
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
        return [str(tmp_path / "image.nii.gz"), str(tmp_path / "label.nii.gz"), "--axis", "k"]

    def test_rounds_are_told_one_a_line(self, tmp_path, capsys):
        json_file = tmp_path / "out.json"
        arguments = ["--count", "6", "--rounds", "3", "--selector", "cover", "--predictor", "shape", "--quiet"]
        assert main(["simulate", *self.files(tmp_path), *arguments, "--json", str(json_file)]) == 0
        assert len([line for line in capsys.readouterr().out.splitlines() if line[:1].isdigit()]) == 3
        assert [one["painted"] for one in json.loads(json_file.read_text())["rounds"]] == [4, 5, 6]

    def test_a_reference_of_a_few_planes_is_noticed(self, tmp_path, capsys):
        import SimpleITK

        image, label, *axis = self.files(tmp_path)
        sparse = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(label))
        sparse[np.flatnonzero(sparse.any(axis=(1, 2)))[1:-1]] = 0
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(sparse), label)
        assert main(["simulate", image, label, *axis, "--count", "2", "--predictor", "nearest"]) == 0
        assert "REFERENCE must hold the labels of all planes, not of a few" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--count", "4", "--until", "0.9"], "give --rounds too"),
            (["--count", "4", "--rounds", "2", "--until", "95"], "--until 95 is no Dice"),
            (["--planes", "3,4", "--rounds", "2"], "--planes names the planes"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, tmp_path, capsys, arguments, words):
        assert main(["simulate", *self.files(tmp_path), *arguments, "--predictor", "shape"]) == 2
        assert words in capsys.readouterr().err
