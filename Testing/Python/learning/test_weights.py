"""Pretrained weights: where they are looked for, what is said where they are not, what is removed."""

import argparse
import hashlib
import io
import logging
import pickle
import urllib.error
import urllib.request

import pytest
from SparseAnnotateLib import InputError
from SparseAnnotateLib.commands import weights as command
from SparseAnnotateLib.commands._console import Console
from SparseAnnotateLib.learning.pretrained import weights
from SparseAnnotateLib.learning.pretrained.sources import torch_cache
from SparseAnnotateLib.learning.pretrained.weights import (
    ALEXNET,
    HubWeights,
    TorchWeights,
    encoder_weights,
    load,
    locate,
)

torch = pytest.importorskip("torch")

STATE = {"features.0.weight": torch.ones(2, 3), "features.0.bias": torch.zeros(2)}


@pytest.fixture(autouse=True)
def empty_caches(tmp_path, monkeypatch):
    """No weights of this computer, and no network."""
    monkeypatch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    constants = pytest.importorskip("huggingface_hub.constants")
    (tmp_path / "hub").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def refuse(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torch.hub.urlopen", refuse)


def save(path, state=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(STATE if state is None else state, path)
    return path


def in_torch_cache(tmp_path, state=None):
    return save(tmp_path / "torch" / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth", state)


def in_hub_cache(tmp_path, repository="smp-hub--resnet34.imagenet"):
    file = tmp_path / "hub" / f"models--{repository}" / "snapshots" / "abc" / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"1234")
    return file


def test_the_given_path_comes_before_the_environment_and_the_cache(tmp_path, monkeypatch):
    given, in_environment = save(tmp_path / "given.pth"), save(tmp_path / "environment.pth")
    in_cache = in_torch_cache(tmp_path)
    assert locate(ALEXNET) == in_cache
    monkeypatch.setenv(weights.ENVIRONMENT_VARIABLE, str(in_environment))
    assert locate(ALEXNET) == in_environment
    assert locate(ALEXNET, given) == given


def test_a_folder_is_searched_for_the_usual_names(tmp_path):
    file = save(tmp_path / "alexnet_features.pth")
    assert locate(ALEXNET, tmp_path) == file


def test_torch_and_this_program_agree_on_the_cache():
    assert str(torch_cache().parent) == torch.hub.get_dir()


def test_features_alone_are_as_good_as_the_whole_network(tmp_path):
    whole = {**STATE, "classifier.1.weight": torch.zeros(1)}
    assert set(load(ALEXNET, save(tmp_path / "features.pth"))) == set(STATE)
    assert set(load(ALEXNET, save(tmp_path / "whole.pth", whole))) == set(whole)


def test_a_path_that_does_not_exist_is_refused(tmp_path, monkeypatch):
    in_torch_cache(tmp_path)
    with pytest.raises(InputError, match=r"--weights names .*nowhere\.pth, which does not exist"):
        load(ALEXNET, tmp_path / "nowhere.pth")
    monkeypatch.setenv(weights.ENVIRONMENT_VARIABLE, str(tmp_path / "nowhere.pth"))
    with pytest.raises(InputError, match="SPARSEANNOTATE_WEIGHTS names"):
        load(ALEXNET)


def test_a_folder_without_the_weights_is_refused_with_the_names_to_use(tmp_path):
    with pytest.raises(InputError, match=r"put alexnet-owt-7be5be79\.pth or alexnet_features\.pth there"):
        load(ALEXNET, tmp_path)


def test_the_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no weights of AlexNet"):
        load(ALEXNET, save(tmp_path / "other.pth", {"conv1.weight": torch.zeros(1)}))


@pytest.mark.parametrize("content", [b"", b"not a file of torch", b"PK\x03\x04 truncated"])
def test_a_damaged_file_is_refused(tmp_path, content):
    file = tmp_path / "damaged.pth"
    file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as weights"):
        load(ALEXNET, file)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path):
    file, trace = tmp_path / "malicious.pth", tmp_path / "trace"

    class Malicious:
        def __reduce__(self):
            return open, (str(trace), "w")

    file.write_bytes(pickle.dumps({"features.0.weight": Malicious()}))
    with pytest.raises(InputError, match="cannot be read as weights"):
        load(ALEXNET, file)
    assert not trace.exists()


def test_offline_one_sentence_says_how_to_get_them(tmp_path):
    with pytest.raises(InputError) as caught:
        load(ALEXNET)
    message = str(caught.value)
    assert "the weights of AlexNet are not on this computer and could not be downloaded" in message
    assert "no network" in message
    assert "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth" in message
    assert "--weights PATH or SPARSEANNOTATE_WEIGHTS" in message
    assert "\n" not in message
    assert not list((tmp_path / "torch").rglob("*.p*"))


def test_a_download_is_announced_before_it_begins(caplog):
    announced = []
    with pytest.raises(InputError):
        load(ALEXNET, on_download=announced.append)
    assert announced == ["downloading the weights of AlexNet (244 MB) from download.pytorch.org, once"]
    with caplog.at_level(logging.WARNING), pytest.raises(InputError):
        load(ALEXNET)
    assert caplog.messages == announced


class _Response(io.BytesIO):
    def info(self):
        return {}

    def __enter__(self):
        self.info = lambda: type("Headers", (), {"get_all": lambda *_: None})()
        return self


def downloadable(monkeypatch, digest=None) -> TorchWeights:
    """Weights that torch's own download gets from memory instead of the network."""
    buffer = io.BytesIO()
    torch.save(STATE, buffer)
    content = buffer.getvalue()
    digest = digest or hashlib.sha256(content).hexdigest()[:8]
    monkeypatch.setattr("torch.hub.urlopen", lambda *_, **__: _Response(content))
    return TorchWeights("Tiny", ("tiny.pth",), "features.0.weight", f"https://example.invalid/tiny-{digest}.pth", 0.1)


def test_a_download_lands_in_the_cache_and_is_not_repeated(monkeypatch):
    source, announced = downloadable(monkeypatch), []
    for _ in range(2):
        torch.testing.assert_close(load(source, on_download=announced.append)["features.0.weight"], torch.ones(2, 3))
    assert len(announced) == 1


def test_a_damaged_download_leaves_nothing_behind(tmp_path, monkeypatch):
    source = downloadable(monkeypatch, digest="00000000")
    with pytest.raises(InputError, match="could not be downloaded"):
        load(source, on_download=lambda _: None)
    assert [path for path in (tmp_path / "torch").rglob("*") if path.is_file()] == []


def test_the_encoders_of_smp_are_known_by_name():
    pytest.importorskip("segmentation_models_pytorch")
    source = encoder_weights("resnet34")
    assert source.repository == "smp-hub/resnet34.imagenet"
    assert source.cached_file() is None
    with pytest.raises(InputError, match="no ImageNet weights for the encoder 'resnet3'"):
        encoder_weights("resnet3")


def test_the_weights_of_an_encoder_are_read_from_the_cache_and_from_a_given_file(tmp_path, monkeypatch):
    safetensors = pytest.importorskip("safetensors.torch")
    in_cache, given = tmp_path / "cache.safetensors", tmp_path / "given.safetensors"
    for number, file in enumerate((in_cache, given)):
        safetensors.save_file({"conv1.weight": torch.full((2,), float(number))}, file)
    source = HubWeights("resnet34", ("model.safetensors",), "", "smp-hub/resnet34.imagenet")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(in_cache))
    assert load(source)["conv1.weight"].tolist() == [0, 0]
    assert load(source, given)["conv1.weight"].tolist() == [1, 1]
    given.write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be read as weights"):
        load(source, given)


def test_an_encoder_that_cannot_be_had_is_explained(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    from huggingface_hub.errors import LocalEntryNotFoundError

    def refuse(*_, **__):
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(hub, "get_hf_file_metadata", refuse)
    source = HubWeights("resnet34", ("model.safetensors",), "", "smp-hub/resnet34.imagenet")
    with pytest.raises(
        InputError, match=r"resnet34 are not on this computer .*https://huggingface.co/smp-hub/resnet34"
    ):
        load(source)


def run_command(*, clear):
    return command.run(argparse.Namespace(clear=clear, console=Console()))


def test_the_command_lists_what_is_kept_with_its_size(tmp_path, capsys):
    in_torch_cache(tmp_path)
    in_hub_cache(tmp_path)
    assert run_command(clear=False) == 0
    output = capsys.readouterr().out
    assert "AlexNet" in output
    assert "resnet34.imagenet" in output
    assert "MB  in all" in output


def test_the_command_says_so_where_nothing_is_kept(capsys):
    assert run_command(clear=True) == 0
    assert capsys.readouterr().out == "no pretrained weights are kept on this computer\n"


def test_clearing_removes_ours_and_leaves_those_of_others(tmp_path):
    ours = [in_torch_cache(tmp_path), in_hub_cache(tmp_path)]
    theirs = [save(tmp_path / "torch" / "hub" / "checkpoints" / "vgg16.pth"), in_hub_cache(tmp_path, "google--bert")]
    assert run_command(clear=True) == 0
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in theirs)
    assert weights.cached() == []


def test_the_command_line_has_the_subcommand():
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["weights", "--clear"])
    assert arguments.clear
    assert arguments.run is command.run
