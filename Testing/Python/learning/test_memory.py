"""Memory of a device: what a GPU would do, played on the CPU."""

import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from predictors.predictor_tester import a_ball_with_a_core  # noqa: E402
from predictors.test_unet import QUICK  # noqa: E402
from SparseAnnotateLib import PREDICTORS, InputError, SparseAnnotation, run  # noqa: E402
from SparseAnnotateLib.learning import memory, networks  # noqa: E402

FULL = "CUDA out of memory. Tried to allocate 20.00 MiB (a test says so)"


def start(name="unet", **options):
    volume, labels = a_ball_with_a_core()
    annotation = SparseAnnotation.from_painted_planes(labels, [5, 8, 11, 14, 17])
    return PREDICTORS.create(name, {**QUICK, "steps": 2, **options}).predict(volume, annotation)


def up_to_training(steps):
    for step in steps:
        if "epoch" in step.message:
            return


def cancelled(steps):
    up_to_training(steps)
    steps.close()


def failing(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", full)
        with pytest.raises(InputError, match="the memory of the device cpu is full: choose a smaller encoder"):
            list(steps)


def full(*_arguments, **_named):
    raise RuntimeError(FULL)


@pytest.mark.parametrize("end", [list, cancelled, failing])
def test_when_the_cache_is_given_back_nothing_of_the_network_is_left(end, monkeypatch):
    made, left = [], []

    def build(*arguments):
        network = build_network(*arguments)
        made.extend(map(weakref.ref, network.parameters()))
        return network

    build_network = networks.build_network
    monkeypatch.setattr(networks, "build_network", build)
    monkeypatch.setattr(memory, "free_cache", lambda _device: left.extend(one() for one in made))
    gc.collect()
    gc.disable()  # on a GPU nobody waits for the garbage collector
    try:
        end(start())
    finally:
        gc.enable()
    assert made
    assert len(left) == len(made)
    assert left == [None] * len(made)


def test_the_error_of_full_memory_holds_no_tensors():
    tensors = []

    def attempt(_batch):
        tensor = torch.zeros(3)
        tensors.append(weakref.ref(tensor))
        raise RuntimeError(FULL)

    with pytest.raises(InputError) as caught:
        memory.with_fitting_batch(attempt, 4, "cpu")
    assert caught.value.__cause__ is not None
    assert [tensor() for tensor in tensors] == [None, None, None]


@pytest.mark.parametrize(
    "message", ["CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", FULL]
)
def test_full_memory_is_known_by_what_the_libraries_below_say(message):
    assert memory.is_out_of_memory(RuntimeError(message))


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)])
def test_a_gpu_that_only_emulates_bfloat16_gets_float16_and_a_gradient_scaler(capability, precision, monkeypatch):
    asked = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    monkeypatch.setattr(torch, "autocast", lambda device, dtype: asked.update(device=device, dtype=dtype))
    monkeypatch.setattr(torch.amp, "GradScaler", lambda _device, enabled: asked.update(scaled=enabled))
    memory.autocast("cuda")
    memory.gradient_scaler("cuda")
    assert asked == {"device": "cuda", "dtype": precision, "scaled": precision == torch.float16}


def test_memory_that_torch_keeps_for_later_counts_as_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000, 8000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 5000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 2000)
    assert memory.fitting_batch("cuda", 100, 32) == 16  # 0.4 of 4000


@pytest.mark.parametrize("name", ["unet", "deeplabv3plus", "manet"])
@pytest.mark.parametrize("loss", ["dice+ce", "mbce"])
def test_networks_train_and_predict_in_mixed_precision(name, loss, monkeypatch):
    seen = set()

    def autocast(_device):
        return torch.autocast("cpu", torch.bfloat16)

    def convolve(self, images, weight, bias):
        result = conv_forward(self, images, weight, bias)
        seen.add(result.dtype)
        return result

    conv_forward = torch.nn.Conv2d._conv_forward
    monkeypatch.setattr(torch.nn.Conv2d, "_conv_forward", convolve)
    for module in ("training", "inference"):
        monkeypatch.setattr(f"SparseAnnotateLib.learning.{module}.autocast", autocast)
    volume, labels = a_ball_with_a_core()
    annotation = SparseAnnotation.from_painted_planes(labels, [5, 8, 11, 14, 17]).with_partly_painted([8])
    options = {**QUICK, "encoder_depth": 4 if name == "deeplabv3plus" else 3, "loss": loss, "keep_probabilities": True}
    prediction = run(PREDICTORS.create(name, options), volume, annotation)
    assert torch.bfloat16 in seen
    sums = torch.from_numpy(prediction.probabilities.astype("float32")).sum(0)
    torch.testing.assert_close(sums, torch.ones_like(sums), atol=5e-3, rtol=0)
