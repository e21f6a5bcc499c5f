"""What a worker does with a task."""

import dataclasses

import numpy as np
import pytest
from evaluation.conftest import labels_of
from evaluation.examples import predictors, selectors
from SparseAnnotateLib import PREDICTORS, SELECTORS, run
from SparseAnnotateLib.evaluation.datasets import LabelledCase, find_labelled_cases
from SparseAnnotateLib.evaluation.grid.methods import Method
from SparseAnnotateLib.evaluation.grid.planner import Block, Planner, View
from SparseAnnotateLib.evaluation.grid.result import Selection
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.loading import load_case
from SparseAnnotateLib.evaluation.simulation.simulation import simulate
from SparseAnnotateLib.evaluation.tasks.bench import Bench
from SparseAnnotateLib.evaluation.tasks.selecting import SharedSelections
from SparseAnnotateLib.evaluation.tasks.shown import unpack_planes
from SparseAnnotateLib.io import read_image
from SparseAnnotateLib.predictors import Prediction


@pytest.fixture
def plan(table_set):
    """A function that makes the tasks of a block for the first case."""
    some = find_labelled_cases(table_set, limit=1)

    def tasks(selectors, predictors, fractions=(0.4,), **more):
        return Planner({"patient 0": "ab" * 16}).tasks([Block(selectors, predictors, fractions, **more)], some)

    return tasks


class TestATask:
    @pytest.mark.parametrize("selector", ["keep-n", "random", "kmeans", "histogram", "ssim", "block"])
    def test_it_measures_what_simulate_measures(self, plan, table_set, selector):
        (task,) = plan(selectors(selector), predictors("shape"), seeds=(3,))
        result = Bench().perform(task)
        assert result.state == "done", result.details
        volume = read_image(table_set.parent / "case0" / "image.nii.gz")
        expected = simulate(
            volume,
            SimulatedExpert(labels_of(0)),
            SELECTORS.create(selector),
            PREDICTORS.create("shape", {"seed": 3}),
            count=4,
            seed=3,
        ).measured
        for name in (
            "dice_all",
            "dice_unpainted",
            "dice_per_class",
            "average_hausdorff_mm",
            "assd_mm",
            "axis",
            "range",
        ):
            assert result.measured[name] == expected[name], name
        assert result.measured["planes_painted"] == sorted(expected["planes_painted"])
        assert result.measured["class_names"] == {"1": "liver", "2": "tumour"}
        assert result.selection.planes == tuple(result.measured["planes_painted"])

    @pytest.mark.parametrize("predictor", ["nearest", "shape", "guided"])
    def test_it_tells_what_simulate_tells(self, plan, table_set, predictor):
        (task,) = plan(selectors("keep-n"), predictors(predictor), seeds=(3,))
        result = Bench().perform(task)
        volume = read_image(table_set.parent / "case0" / "image.nii.gz")
        method = PREDICTORS.create(predictor, {"seed": 3})
        planes = list(result.selection.planes)
        told = simulate(
            volume, SimulatedExpert(labels_of(0)), SELECTORS.create("keep-n"), method, planes=planes
        ).measured
        assert result.measured["expected_dice"] == told["expected_dice"]
        assert result.measured["expected_dice_interval"] == list(told["expected_dice_interval"])
        assert result.measured["warnings"] == told["details"]["warnings"]

    def test_what_vanishes_between_painted_planes_is_warned_of(self, tmp_path):
        from SparseAnnotateLib import Volume
        from SparseAnnotateLib.evaluation.grid.methods import FULL
        from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase
        from SparseAnnotateLib.evaluation.tasks.bench import _told

        columns = np.arange(50)
        tube = np.stack([np.tile(np.abs(columns - 5 - 3 * k) <= 2, (12, 1)) for k in range(13)]).astype(np.uint8)
        case = LoadedCase(Volume.from_array(100.0 * tube), SimulatedExpert(tube))
        (task,) = Planner({"one": "ab" * 16}).tasks(
            [Block(selectors("keep-n"), predictors("shape"), (0.3,))], [LabelledCase("one", tmp_path, tmp_path)]
        )
        selection = Selection((0, 6, 12), 0.0, 0.0)
        prediction = run(PREDICTORS.create("shape"), case.volume, case.expert.paint(selection.planes))
        told = _told(case, task, selection, prediction)
        assert not prediction.labels[[3, 9]].any()
        assert told["expected_dice"] < 0.5
        assert any("class 1 vanishes on planes" in sentence for sentence in told["warnings"])
        whole = dataclasses.replace(task, selector=Method("selector", FULL))
        assert _told(case, whole, selection, Prediction(tube)) == {
            "expected_dice": None,
            "expected_dice_interval": None,
            "warnings": [],
        }

    def test_a_fraction_of_the_volume_counts_all_planes(self, plan):
        (of_range,) = plan(selectors("keep-n"), predictors("nearest"), (0.5,))
        (of_volume,) = plan(selectors("keep-n"), predictors("nearest"), (0.5,), of="volume")
        bench = Bench()
        assert len(bench.perform(of_range).selection.planes) == 5
        assert len(bench.perform(of_volume).selection.planes) == 6

    def test_planes_that_are_known_are_not_chosen_again(self, plan):
        first, second = plan(selectors("random"), predictors("nearest", "shape"))
        bench = Bench()
        selection = dataclasses.replace(bench.perform(first).selection, seconds=123.0)
        result = bench.perform(dataclasses.replace(second, selection=selection))
        assert result.measured["seconds_select"] == 123.0
        assert result.measured["planes_painted"] == list(selection.planes)

    def test_the_case_is_read_once(self, plan, monkeypatch):
        read = []
        monkeypatch.setattr(
            "SparseAnnotateLib.evaluation.tasks.bench.load_case", lambda *a: read.append(a) or load_case(*a)
        )
        bench = Bench()
        for task in plan(selectors("keep-n", "random"), predictors("nearest", "shape")):
            assert bench.perform(task).state == "done"
        assert len(read) == 1
        for task in plan(selectors("keep-n"), predictors("nearest"), views=(View(crop_px=8),), seeds=(0, 1)):
            assert bench.perform(task).state == "done"
        assert len(read) == 3

    def test_what_cannot_be_done_is_told_in_a_sentence(self, plan, table_set):
        (task,) = plan(selectors("keep-n"), predictors("nearest"))
        (table_set.parent / "case0" / "labels.nii.gz").write_bytes(b"nonsense")
        result = Bench().perform(task)
        assert result.state == "failed"
        assert "labels.nii.gz" in result.message
        assert "Traceback" not in result.message

    def test_a_bug_in_a_predictor_is_a_failure_with_its_traceback(self, plan, monkeypatch):
        (task,) = plan(selectors("keep-n"), predictors("nearest"))
        monkeypatch.setattr(PREDICTORS.get("nearest"), "_predict", lambda *_: 1 / 0)
        result = Bench().perform(task)
        assert result.state == "failed"
        assert "ZeroDivisionError" in result.details
        assert result.selection is not None

    def test_the_shown_planes_are_those_of_the_prediction(self, plan):
        (task,) = plan(selectors("keep-n"), predictors("nearest"))
        shown = unpack_planes(Bench().perform(task).shown)
        rows, columns = (slice(low, low + size) for low, size in zip(shown.corner, shown.labels.shape[1:], strict=True))
        assert np.array_equal(shown.reference, labels_of(0)[list(shown.planes), rows, columns])
        assert shown.labels.any()
        assert not np.array_equal(shown.labels, shown.reference)
        assert all(0 <= dice <= 1 for dice in shown.dice)


class TestTheBaseline:
    def test_interpolation_that_sees_all_planes_copies_them(self, plan):
        nearest, shape = (Bench().perform(one) for one in plan(selectors("full"), predictors("nearest", "shape")))
        assert nearest.measured["dice_all"] == 1
        assert shape.measured["dice_all"] > 0.98
        assert nearest.measured["planes_painted"] == list(range(1, 11))
        assert nearest.measured["dice_unpainted"] is None

    def test_a_predictor_sees_every_plane_painted_and_is_asked_for_a_copy_of_each(self, plan, monkeypatch):
        seen = {}
        nearest = PREDICTORS.get("nearest")
        original = nearest._predict

        def predict(self, volume, annotation):
            seen.update(planes=annotation.painted_planes, count=volume.planes, spacing=volume.spacing_mm)
            yield from original(self, volume, annotation)

        monkeypatch.setattr(nearest, "_predict", predict)
        (task,) = plan(selectors("full"), predictors("nearest"))
        assert Bench().perform(task).state == "done"
        assert seen["count"] == 30
        assert seen["planes"] == [plane for plane in range(30) if plane % 3 != 1]
        assert seen["spacing"] == pytest.approx((2 / 3, 1, 1))


class TestSharedSelections:
    @pytest.mark.parametrize("name", ["kmeans", "histogram", "ssim", "random"])
    def test_they_are_those_of_a_selector_of_its_own(self, plan, name):
        (task, *_) = plan(selectors(name), predictors("nearest"))
        case = load_case(task.case, task.view, task.case_hash, 0)
        shared = SharedSelections(case)
        for count, seed in ((3, 0), (5, 0), (5, 1), (3, 0)):
            alone = SELECTORS.create(name).select(
                case.volume, case.expert.paint([]), count, np.random.default_rng(seed)
            )
            assert shared.select(task.selector, count, seed).planes == tuple(sorted(one.plane for one in alone))

    def test_the_matrix_is_computed_once_and_its_seconds_count_every_time(self, plan, monkeypatch):
        import time

        computed = []
        histogram = SELECTORS.get("histogram")
        original = histogram._features

        def features(self, volume, annotation):
            computed.append(1)
            time.sleep(0.2)
            return original(self, volume, annotation)

        monkeypatch.setattr(histogram, "_features", features)
        (task, *_) = plan(selectors("histogram"), predictors("nearest"))
        shared = SharedSelections(load_case(task.case, task.view, task.case_hash, 0))
        seconds = [shared.select(task.selector, count, 0).seconds for count in (3, 4, 5)]
        assert len(computed) == 1
        assert min(seconds) >= 0.2
