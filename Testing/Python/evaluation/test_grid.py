"""The grid: which tasks there are, in which order, and what decides their keys."""

import dataclasses
import sys

import pytest
from evaluation.conftest import write_pair
from evaluation.examples import block, cases, predictors, selectors, tasks
from SparseAnnotateLib import InputError
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.grid.fingerprint import code_of, digest_of_files
from SparseAnnotateLib.evaluation.grid.methods import Method
from SparseAnnotateLib.evaluation.grid.planner import Planner, View, blocks_from
from SparseAnnotateLib.predictors import PREDICTORS


class TestMethods:
    def test_options_are_read_as_on_the_command_line(self):
        method = Method.parse("predictor", "unet:steps=20, prior=none")
        assert dict(method.options) == {"steps": 20, "prior": "none"}
        assert method.label == "unet:prior=none,steps=20"
        assert method.create(seed=3).options.seed == 3

    def test_common_options_go_to_those_that_have_them(self):
        common = {"weights": "w.pth", "device": "cpu"}
        assert dict(Method.parse("selector", "perceptual", common).options) == {"weights": "w.pth", "device": "cpu"}
        assert Method.parse("selector", "keep-n", common).options == ()

    def test_a_default_that_is_given_changes_nothing(self):
        assert Method.parse("predictor", "nearest", {"device": "auto"}) == Method.parse("predictor", "nearest")

    @pytest.mark.parametrize("text", ["nonsense", "nearest:speed=1", "nearest:seed", "nearest:seed=x"])
    def test_anything_else_is_refused(self, text):
        with pytest.raises(InputError):
            Method.parse("predictor", text)

    def test_only_what_computes_with_torch_is_kept_off_a_busy_gpu(self):
        assert Method("predictor", "unet").may_use_gpu()
        assert Method("selector", "ssim").may_use_gpu()
        assert not Method("predictor", "shape").may_use_gpu()
        assert not Method("selector", "keep-n").may_use_gpu()
        assert not Method("selector", "full").may_use_gpu()


class TestOrder:
    def test_the_first_predictor_is_done_for_all_cases_before_the_next_begins(self):
        order = [(task.predictor.name, task.case.name, task.selector.name, task.fraction) for task in tasks()]
        assert order[:4] == [
            ("nearest", "case0", "keep-n", 0.1),
            ("nearest", "case0", "keep-n", 0.2),
            ("nearest", "case0", "random", 0.1),
            ("nearest", "case0", "random", 0.2),
        ]
        assert [name for name, *_ in order] == ["nearest"] * 8 + ["shape"] * 8
        assert len({task.shelf for task in tasks()}) == 4

    def test_the_baseline_has_no_fractions(self):
        found = tasks(1, selectors=selectors("full"), predictors=predictors("nearest"), seeds=(0, 1))
        assert [(task.fraction, task.seed) for task in found] == [(1.0, 0), (1.0, 1)]

    def test_what_two_blocks_share_is_done_once(self):
        some = cases(1)
        planner = Planner({"case0": "0" * 32})
        first = planner.tasks([block()], some)
        both = planner.tasks([block(), block(fractions=(0.2, 0.5))], some)
        assert both[:8] == first
        assert [task.fraction for task in both[8:]] == [0.5] * 4

    def test_fractions_outside_of_0_to_1_are_refused_at_once(self):
        with pytest.raises(InputError, match="the fraction is 20"):
            block(fractions=(20,))


class TestKeys:
    def key(self, case_hash="a" * 32, **changes):
        changed = {"selectors": selectors("keep-n"), "predictors": predictors("shape"), "fractions": (0.1,), **changes}
        (task,) = Planner({"case0": case_hash}).tasks([block(**changed)], cases(1))
        return task.key

    def test_the_same_question_has_the_same_key(self):
        assert self.key() == self.key()

    @pytest.mark.parametrize(
        "changes",
        [
            {"case_hash": "b" * 32},
            {"selectors": selectors("random")},
            {"predictors": (Method.parse("predictor", "shape:interpolation=cubic"),)},
            {"fractions": (0.2,)},
            {"of": "volume"},
            {"seeds": (1,)},
            {"views": (View("j"),)},
            {"views": (View("k", classes=("1",)),)},
            {"views": (View("k", crop_px=64),)},
        ],
        ids=str,
    )
    def test_whatever_decides_a_result_changes_the_key(self, changes):
        assert self.key(**changes) != self.key()

    def test_a_default_that_is_spelled_out_does_not(self):
        explicit = Method.parse("predictor", "shape:fill_holes=off")
        assert explicit.options
        assert self.key(predictors=(explicit,)) == self.key()

    def test_other_versions_make_another_key(self, monkeypatch):
        before = self.key()
        monkeypatch.setattr("SparseAnnotateLib.evaluation.grid.planner.decisive_versions", lambda: {"numpy": "99"})
        assert self.key() != before

    def test_all_predictors_share_a_selection(self):
        by_predictor = {
            task.predictor.name: task for task in tasks(1) if (task.selector.name, task.fraction) == ("random", 0.2)
        }
        assert by_predictor["nearest"].selection_key == by_predictor["shape"].selection_key
        assert by_predictor["nearest"].key != by_predictor["shape"].key

    def test_weights_count_by_what_they_hold_not_by_where_they_lie(self, tmp_path):
        def key(path):
            method = Method.parse("selector", "perceptual", {"weights": str(path)})
            return self.key(selectors=(method,))

        (tmp_path / "a.pth").write_bytes(b"one")
        (tmp_path / "b.pth").write_bytes(b"one")
        (tmp_path / "c.pth").write_bytes(b"two")
        assert key(tmp_path / "a.pth") == key(tmp_path / "b.pth") != key(tmp_path / "c.pth")

    def test_a_changed_file_changes_its_case(self, tmp_path):
        write_pair(tmp_path / "image.nii", tmp_path / "labels.nii", 0)
        before = digest_of_files([tmp_path / "image.nii"])
        write_pair(tmp_path / "image.nii", tmp_path / "labels.nii", 1)
        assert digest_of_files([tmp_path / "image.nii"]) != before


class TestCode:
    def test_a_method_in_a_package_is_all_of_it(self, monkeypatch):
        read = []
        monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: read.append(path.name) or b"")
        code_of(PREDICTORS.get("guided"))
        assert {"predictor.py", "flow.py", "fusion.py"} <= set(read)
        read.clear()
        code_of(PREDICTORS.get("unet"))
        assert sorted(read) == ["predictor.py", "unet.py"]
        read.clear()
        code_of(PREDICTORS.get("nearest"))
        assert read == ["nearest.py"]

    def test_a_researchers_change_of_a_predictor_changes_its_code(self, tmp_path, monkeypatch):
        source = "from SparseAnnotateLib.predictors import PredictorBase\nclass Mine(PredictorBase):\n    name = 'm'\n"
        (tmp_path / "my_predictor.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        import my_predictor

        before = code_of(my_predictor.Mine)
        (tmp_path / "my_predictor.py").write_text(source + "    summary = 'new'\n", encoding="utf-8")
        assert code_of(my_predictor.Mine) != before
        sys.modules.pop("my_predictor")


class TestGridFile:
    DEFAULTS = {  # noqa: RUF012 - never written to
        "selectors": ["keep-n"],
        "predictors": ["shape"],
        "fractions": [0.1],
        "of": "range",
        "seeds": [0],
        "axes": ["auto"],
        "classes": [],
        "crop_random": None,
        "largest_megavoxels": None,
        "replace_nan": None,
        "clicks": "all",
    }

    def blocks(self, *entries):
        return blocks_from(list(entries), self.DEFAULTS, Method.parse)

    def test_an_entry_sets_what_it_names_and_leaves_the_rest(self):
        first, second = self.blocks({"axes": ["i", "j"], "seeds": [1, 2]}, {"classes": [1, "liver"], "crop_random": 32})
        assert [view.axis for view in first.views] == ["i", "j"]
        assert (first.seeds, first.fractions) == ((1, 2), (0.1,))
        assert second.views == (View("auto", ("1", "liver"), 32),)

    def test_an_entry_says_what_the_expert_clicks(self):
        (block,) = self.blocks({"clicks": "structures"})
        assert block.views == (View(clicks="structures"),)

    @pytest.mark.parametrize("entry", [{"speed": 1}, {"seeds": 1}, {"of": ["range"]}, 3], ids=str)
    def test_anything_else_is_refused(self, entry):
        with pytest.raises(InputError, match="the grid file"):
            self.blocks(entry)

    def test_large_cases_can_be_left_to_others(self, folder_set):
        found = find_labelled_cases(folder_set)
        planner = Planner({case.name: case.name for case in found})
        megavoxels = 12 * 16 * 18 / 1e6
        assert len(planner.tasks([block(largest_megavoxels=megavoxels)], found)) == 3 * 8
        assert planner.tasks([block(largest_megavoxels=megavoxels / 2)], found) == []


def test_tasks_travel(tmp_path):
    import pickle

    (task, *_) = tasks()
    assert pickle.loads(pickle.dumps(task)) == task
    assert dataclasses.replace(task, seed=1) != task
    assert tmp_path.exists()
