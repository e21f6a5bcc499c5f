"""The file of a cohort network."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from SparseAnnotateLib.cohort.model import (
    CohortConfiguration,
    CohortModel,
    load_configuration,
    load_model,
    save_model,
)
from SparseAnnotateLib.errors import InputError

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

CONFIGURATION = CohortConfiguration(
    class_names=("atrium", "wall"), class_values=(1, 7), spacing_mm=(1.25, 0.625, 0.625), block=(16, 64, 64)
)


def a_model() -> CohortModel:
    weights = {"down.weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(7)}
    return CohortModel(CONFIGURATION, weights, training_summary={"best_epoch": 12, "dice": [0.5, 0.75]})


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_model_comes_back_as_it_was_saved(tmp_path):
    model, path = a_model(), tmp_path / "model.safetensors"
    save_model(model, path)
    back = load_model(path)
    assert back.configuration == model.configuration
    assert back.versions == model.versions
    assert back.versions["sparse-annotate"]
    assert back.training_summary == model.training_summary
    assert back.weights.keys() == model.weights.keys()
    assert all(torch.equal(back.weights[name], tensor) for name, tensor in model.weights.items())


def test_others_may_read_it_as_any_file(tmp_path):
    (tmp_path / "any").write_text("")
    save_model(a_model(), tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_weights_that_share_memory_and_are_not_contiguous_are_saved(tmp_path):
    one = torch.arange(6.0).reshape(2, 3)
    model = replace(a_model(), weights={"a": one, "b": one, "c": one.T})
    save_model(model, tmp_path / "model.safetensors")
    back = load_model(tmp_path / "model.safetensors").weights
    assert torch.equal(back["c"], one.T)
    assert torch.equal(back["b"], one)


def test_a_list_of_models_reads_no_weights(tmp_path):
    save_model(a_model(), tmp_path / "model.safetensors")
    listed = load_configuration(tmp_path / "model.safetensors")
    assert listed.configuration == CONFIGURATION
    assert listed.weights == {}


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x02" + bytes(7) + b"[]", b"\x40" + bytes(7) + b"{}"])
def test_what_is_no_model_is_told_in_a_list_too(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a cohort model"):
        load_configuration(path)


def test_reading_a_pickle_under_that_name_runs_nothing_of_it(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(InputError, match="cannot be read as a cohort model"):
        load_model(path)
    torch.save({"weights": Trap(tmp_path / "sprung")}, path)
    with pytest.raises(InputError, match="cannot be read as a cohort model"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


def test_a_file_cut_short_is_told(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(a_model(), path)
    whole = path.read_bytes()
    for length in (0, 4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as a cohort model"):
            load_model(path)


def test_weights_of_something_else_are_told(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors_torch.save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="something else than a cohort network"):
        load_model(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ('{"format": 2}', "newer version"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1, "configuration": {}}', "is damaged"),
        (
            '{"format": 1, "versions": {}, "training_summary": {}, "configuration": '
            '{"class_names": ["a"], "class_values": [1], "spacing_mm": [1, 1]}}',
            "spacing must be three lengths",
        ),
    ],
)
def test_a_header_that_cannot_be_used_is_told(tmp_path, header, message):
    path = tmp_path / "model.safetensors"
    safetensors_torch.save_file({"w": torch.zeros(1)}, path, metadata={"sparse_annotate_cohort_model": header})
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no cohort model"):
        load_model(tmp_path / "none.safetensors")


def test_what_cannot_be_written_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(a_model(), path)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        save_model(replace(a_model(), training_summary={"bad": object()}), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["model.pt", "nowhere/model.safetensors"])
def test_a_wrong_place_is_refused(tmp_path, name):
    with pytest.raises(InputError):
        save_model(a_model(), tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ("a",)}, "class names"),
        ({"class_values": (1, 1)}, "different numbers"),
        ({"class_values": (0, 1)}, "different numbers"),
        ({"spacing_mm": (1, 1)}, "three lengths"),
        ({"spacing_mm": (1, 0, 1)}, "three lengths"),
        ({"scan_spacing_mm": (1, 1, -1)}, "three lengths"),
        ({"axis": "z"}, "axis"),
        ({"network": "resnet"}, "kind"),
        ({"halved_planes": 4}, "halved"),
        ({"base_channels": 0}, "channels"),
        ({"block": (0, 1, 1)}, "block"),
        ({"clip_percentiles": (99, 1)}, "percentiles"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(CONFIGURATION, **changes)


def test_lists_become_tuples_so_that_configurations_compare():
    again = CohortConfiguration(
        class_names=["atrium", "wall"], class_values=[1, 7], spacing_mm=[1.25, 0.625, 0.625], block=[16, 64, 64]
    )
    assert again == CONFIGURATION
    assert hash(again) == hash(CONFIGURATION)
