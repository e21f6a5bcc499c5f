"""Networks of segmentation_models_pytorch: built the same each time, with the weights that were asked for or none."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from SparseAnnotateLib.errors import InputError  # noqa: E402
from SparseAnnotateLib.learning.networks import (  # noqa: E402
    ARCHITECTURES,
    NetworkShape,
    build_network,
    relative_cost,
    start_from_prior,
)
from SparseAnnotateLib.learning.pretrained.weights import encoder_weights  # noqa: E402


def shape(architecture="Unet", encoder="resnet18", depth=3, channels=5):
    return NetworkShape(architecture, encoder, depth, 4, channels, 3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_gives_logits_of_the_planes_own_size(architecture):
    wanted = shape(architecture, "mobilenet_v2", depth=4)
    network = build_network(wanted, seed=0).eval()
    assert wanted.stride == 16 == network.encoder.output_stride
    with torch.no_grad():
        assert network(torch.zeros(1, 5, 32, 48)).shape == (1, 3, 32, 48)


def test_the_same_seed_builds_the_same_network_and_leaves_torchs_generator_alone():
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    first, again, other = (build_network(shape(), seed).state_dict() for seed in (4, 4, 5))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["encoder.conv1.weight"], other["encoder.conv1.weight"])


def test_an_unknown_encoder_is_refused_in_one_sentence():
    with pytest.raises(InputError, match="Unet cannot be built on the encoder 'resnet19'") as error:
        build_network(shape(encoder="resnet19"), 0)
    assert len(str(error.value)) < 200


def test_pretrained_weights_come_from_the_file_that_is_named(tmp_path):
    donor = build_network(shape(channels=3), seed=7)
    file = tmp_path / "resnet18.pth"
    torch.save(donor.encoder.state_dict(), file)
    network = build_network(shape(channels=3), 0, pretrained=str(file))
    state, given = network.encoder.state_dict(), donor.encoder.state_dict()
    assert all(torch.equal(state[name], given[name]) for name in given)
    # Five channels: the first convolution is spread over them, everything else is as it was.
    wide = build_network(shape(channels=5), 0, pretrained=str(file))
    assert wide.encoder.conv1.weight.shape[1] == 5
    assert torch.equal(wide.encoder.layer1[0].conv1.weight, donor.encoder.layer1[0].conv1.weight)
    assert wide.eval()(torch.zeros(1, 5, 32, 32)).shape == (1, 3, 32, 32)


@pytest.fixture
def imagenet_file(tmp_path, monkeypatch):
    """A file as smp's own are: safetensors, with the classifier that an encoder drops; no other weights anywhere."""
    hub, safetensors = pytest.importorskip("huggingface_hub"), pytest.importorskip("safetensors.torch")
    monkeypatch.delenv("SPARSEANNOTATE_WEIGHTS", raising=False)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    state = build_network(shape(depth=5, channels=3), seed=7).encoder.state_dict()
    classifier = {"fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}
    file = tmp_path / "model.safetensors"
    safetensors.save_file({name: value.contiguous() for name, value in (state | classifier).items()}, file)
    return file


def test_imagenet_weights_are_taken_from_the_cache_that_smp_and_hugging_face_share(imagenet_file, tmp_path):
    source = encoder_weights("resnet18")
    snapshot = tmp_path / "hub" / f"models--{source.repository.replace('/', '--')}" / "snapshots" / source.revision
    snapshot.mkdir(parents=True)
    imagenet_file.rename(snapshot / "model.safetensors")
    network = build_network(shape(channels=3), 0, pretrained="imagenet")
    assert torch.equal(network.encoder.conv1.weight, build_network(shape(channels=3), seed=7).encoder.conv1.weight)


def test_imagenet_weights_are_taken_from_the_file_or_folder_of_the_environment(imagenet_file, monkeypatch):
    donor = build_network(shape(channels=3), seed=7)
    for path in (imagenet_file, imagenet_file.parent):
        monkeypatch.setenv("SPARSEANNOTATE_WEIGHTS", str(path))
        network = build_network(shape(channels=3), 0, pretrained="imagenet")
        assert torch.equal(network.encoder.layer1[0].conv1.weight, donor.encoder.layer1[0].conv1.weight)


def test_weights_of_another_encoder_are_refused(tmp_path):
    file = tmp_path / "wrong.pth"
    torch.save(build_network(shape(encoder="mobilenet_v2", channels=3), 0).encoder.state_dict(), file)
    with pytest.raises(InputError, match="are not those of the encoder resnet18"):
        build_network(shape(), 0, pretrained=str(file))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        build_network(shape(), 0, pretrained=str(tmp_path / "missing.pth"))


def test_offline_a_pretrained_encoder_is_refused_and_never_random(monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.delenv("SPARSEANNOTATE_WEIGHTS", raising=False)
    from SparseAnnotateLib.learning.pretrained import weights

    monkeypatch.setattr(weights.HubWeights, "cached_file", lambda _self: None)
    monkeypatch.setattr(weights.HubWeights, "size_mb", lambda _self: 45.0)

    def offline(_self):
        raise OSError("no route to host")

    monkeypatch.setattr(weights.HubWeights, "download", offline)
    with pytest.raises(InputError, match=r"could not be downloaded .no route to host.: get .* SPARSEANNOTATE_WEIGHTS"):
        build_network(shape(), 0, pretrained="imagenet")


def test_a_network_that_starts_from_a_prior_says_nothing_at_first():
    network = build_network(shape(), 0).eval()
    start_from_prior(network)
    with torch.no_grad():
        assert not network(torch.randn(1, 5, 32, 32)).any()


def test_the_cost_counts_a_convolution_as_multiply_adds_a_pixel():
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, padding=1, bias=False))
    multiply_adds, activations = relative_cost(network, 2, 8)
    assert multiply_adds == 2 * 4 * 9
    assert activations == 4
