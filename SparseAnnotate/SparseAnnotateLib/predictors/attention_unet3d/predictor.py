"""`attention-unet3d`: a 3-D U-Net with two heads; where they disagree, it is probably wrong (Zhang 2019)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...annotation import SparseAnnotation
from ...device import resolve_device
from ...errors import InputError, require
from ...quality.agreement import nothing_found, p_accuracy, p_dsc
from ...volume import Volume
from ..base import PREDICTORS, Prediction, PredictorBase, Progress
from .options import AttentionUnet3dOptions

# How far the bar is when training begins and ends.
_TRAINING = (0.03, 0.9)

# The paper's number of iterations an update.
_ITERATIONS = 500

# Convolutions of 8 channels run at a quarter of the speed that `Cost` has from wider ones (5e-6 s a voxel and training
# step on one core).
_NARROW = 4.0

# Rows and columns of a tile while predicting: memory for 2 tiles of 16 x 192 x 192, 8 wide: 0.6 GB.
_TILE_PIXELS = 192


@PREDICTORS.register
class AttentionUnet3d(PredictorBase):
    """Trains a 3-D U-Net with channel and spatial attention on the known voxels of this volume.

    Labels are those of the mean of its two heads. How far the heads agree on a plane (P-DSC, P-accuracy) stands in the
    prediction's `details`, and is what it expects of its own Dice.
    """

    name = "attention-unet3d"
    summary = "Trains a 3-D U-Net with attention on what is painted; says where its two outputs disagree."
    Options = AttentionUnet3dOptions
    needs = ("torch",)

    def _predict(self, volume: Volume, annotation: SparseAnnotation) -> Iterator[Progress | Prediction]:
        if not (annotation.unpainted_planes or not annotation.known.all()):
            yield Prediction(annotation.labels.copy())
            return
        yield Progress("loading", 0.0, "loading torch")
        require("torch", extra="deep", purpose=f"the predictor {self.name}")
        from ...learning.memory import freed_afterwards

        device = resolve_device(self.options.device)
        with freed_afterwards(device):
            yield from _Run(self.options, volume, annotation, device).steps()


class _Run:
    """One prediction."""

    def __init__(self, options: AttentionUnet3dOptions, volume: Volume, annotation: SparseAnnotation, device: str):
        from ...learning.attention.network import DEPTH, stride_of
        from ...learning.patches import PatchSource, region_of

        self.started = time.monotonic()
        self.options, self.annotation, self.device = options, annotation, device
        on_cpu = device == "cpu"
        self.budget_s = options.budget_s or (120.0 if on_cpu else None)
        self.start = self._starting_model(volume)
        if self.start is None:
            self.width = options.width or (8 if on_cpu else 16)
            self.halved_planes, self.depth, percentiles = _halvings(volume.spacing_mm), DEPTH, None
            patch = options.patch or ((16, 64, 64) if on_cpu else (32, 128, 128))
        else:
            known = self.start.configuration
            self.width, self.halved_planes, self.depth = known.base_channels, known.halved_planes, known.depth
            patch, percentiles = options.patch or known.block, known.clip_percentiles
        stride = stride_of(self.halved_planes, self.depth)
        region = region_of(annotation)
        # No larger than the region: padding is nothing to learn from.
        lengths = (min(p, side.stop - side.start) for p, side in zip(patch, region, strict=True))
        self.patch = tuple(-(-length // s) * s for length, s in zip(lengths, stride, strict=True))
        self.source = PatchSource.of(volume.intensities, annotation, self.patch, stride, region, percentiles)
        self.network = self._network()
        self.continued = options.state is not None and _load(self.network, Path(options.state))
        self.network = self.network.to(device)

    def _starting_model(self, volume: Volume):
        if self.options.start_from is None:
            return None
        from ...cohort.applying.heads import check_scan
        from ...cohort.model import load_model

        model = load_model(self.options.start_from)
        check_scan(model.configuration, volume)
        return model

    def _network(self):
        from ...learning.attention.network import build_attention_network

        if self.start is None:
            classes = self.annotation.class_count + 1
            return build_attention_network(classes, self.width, self.halved_planes, self.options.seed)
        from ...cohort.applying.continuing import network_for_one_scan

        return network_for_one_scan(self.start, self.annotation.classes, self.options.seed)

    def steps(self) -> Iterator[Progress | Prediction]:
        """Train, then predict."""
        iterations, trained = self._iterations(), 0
        yield Progress("training", _TRAINING[0], "going on from the last weights" if self.continued else "")
        for trained, loss in self._train(iterations):
            share = max(trained / iterations, self._elapsed_share())
            message = f"iteration {trained} of {iterations}, loss {loss:.3f}"
            yield Progress("training", _TRAINING[0] + (_TRAINING[1] - _TRAINING[0]) * min(1.0, share), message)
        if self.options.state is not None:
            _save(self.network, Path(self.options.state))
        yield from self._label(trained)

    def _iterations(self) -> int:
        from ...learning.attention.network import multiply_adds_per_voxel
        from ...learning.budget import Cost, steps_within

        if self.options.iterations is not None:
            return self.options.iterations
        if self.budget_s is None:
            return _ITERATIONS
        multiply_adds = multiply_adds_per_voxel(self.network, self.halved_planes, depth=self.depth)
        cost = Cost(_NARROW * multiply_adds, activations=0)
        voxels = self.options.batch_size * int(np.prod(self.patch))
        return min(_ITERATIONS, steps_within(self.budget_s, cost, voxels, self.source.images.size))

    def _train(self, iterations: int):
        from ...learning.attention.training import train
        from .recipe import recipe_for

        options = self.options
        recipe = recipe_for(options, self.device, iterations, self.patch, continued=self.start is not None)
        deadline = np.inf if self.budget_s is None else self.started + 0.8 * self.budget_s
        return train(self.network, self.source, recipe, options.seed, deadline, self.device)

    def _elapsed_share(self) -> float:
        return 0.0 if self.budget_s is None else (time.monotonic() - self.started) / (0.8 * self.budget_s)

    def _label(self, trained: int) -> Iterator[Progress | Prediction]:
        from ...learning.attention.training import head_probabilities

        annotation, region = self.annotation, self.source.region
        labels, first, second = (np.zeros(annotation.labels.shape, np.uint8) for _ in range(3))
        kept = None
        if self.options.keep_probabilities:
            kept = np.zeros((annotation.class_count + 1, *labels.shape), np.float16)
            kept[0] = 1
        tile = (self.patch[0], *(min(_TILE_PIXELS, length) for length in self.source.images.shape[1:]))
        for planes, heads in head_probabilities(self.network, self.source, tile, self.device):
            where = (slice(region[0].start + planes.start, region[0].start + planes.stop), *region[1:])
            heads *= self._allowed(where[0])[:, :, None, None]
            mean = heads.mean(axis=0)
            for target, probabilities in ((labels, mean), (first, heads[0]), (second, heads[1])):
                target[where] = probabilities.argmax(axis=0)
            if kept is not None:
                kept[(slice(None), *where)] = mean
            share = planes.stop / self.source.shape[0]
            yield Progress("predicting", _TRAINING[1] + (1 - _TRAINING[1]) * share)
        yield self._prediction(labels, first, second, kept, trained)

    def _allowed(self, planes: slice) -> np.ndarray:
        """bool (classes + 1, planes): which classes can occur, and were painted somewhere."""
        annotation = self.annotation
        painted = np.bincount(annotation.labels[annotation.painted].ravel(), minlength=annotation.class_count + 1) > 0
        painted[0] = True
        return np.stack([annotation.allowed_classes(p) & painted for p in range(planes.start, planes.stop)], axis=1)

    def _prediction(self, labels, first, second, kept, trained: int) -> Prediction:
        annotation = self.annotation
        if kept is not None:
            certain = np.arange(len(kept))[:, None, None, None] == annotation.labels
            np.copyto(kept, certain, where=annotation.known)
        dsc, accuracy = p_dsc(first, second), p_accuracy(first, second)
        # Agreeing on nothing, between planes that hold the structures, is no reason to trust them.
        empty = nothing_found(first, second, annotation)
        dsc[empty] = accuracy[empty] = 0.0
        unpainted = annotation.unpainted_planes
        expected = np.full(annotation.planes, np.nan, np.float32)
        expected[unpainted] = (dsc if annotation.class_count == 1 else accuracy)[unpainted]
        return Prediction(
            labels=labels,
            probabilities=kept,
            expected_dice_per_plane=expected,
            expected_dice=float(np.mean(expected[unpainted])) if unpainted else None,
            details={
                "device": self.device,
                "iterations": trained,
                "continued": self.continued,
                "start_from": self.options.start_from,
                "patch": list(self.patch),
                "width": self.width,
                "p_dsc": [round(float(value), 4) for value in dsc],
                "p_accuracy": [round(float(value), 4) for value in accuracy],
                "seconds": round(time.monotonic() - self.started, 2),
            },
        )


def _halvings(spacing_mm: tuple[float, float, float]) -> int:
    """How often planes are halved along with rows and columns, so that voxels come out about as long as wide."""
    thickness = spacing_mm[0] / max(spacing_mm[1:])
    return int(np.clip(3 - round(float(np.log2(max(thickness, 1)))), 1, 3))


def _save(network, path: Path) -> None:
    """Weights as plain arrays: reading them runs no code. Written aside, then renamed."""
    from ...io.writing import written_aside

    with written_aside(path) as folder, open(folder / path.name, "wb") as file:
        np.savez(file, **{name: value.cpu().numpy() for name, value in network.state_dict().items()})


def _load(network, path: Path) -> bool:
    """Whether there were weights to go on from.

    Raises
    ------
    InputError
        Where they are those of another network.
    """
    import torch

    if not path.exists():
        return False
    with np.load(path, allow_pickle=False) as file:
        state = {name: torch.from_numpy(file[name]) for name in file.files}
    wanted = network.state_dict()
    if {n: tuple(v.shape) for n, v in state.items()} != {n: tuple(v.shape) for n, v in wanted.items()}:
        raise InputError(
            f"{path} holds the weights of another network (classes, width or spacing differ): "
            "remove it, or name another file"
        )
    network.load_state_dict(state)
    return True
