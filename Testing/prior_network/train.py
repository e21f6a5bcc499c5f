"""Learn the weights of `guided`'s prior network anew, from made-up volumes alone.

    python Testing/prior_network/train.py FOLDER                 30,000 steps: 28 minutes of one idle core
    python Testing/prior_network/train.py FOLDER --steps 2000    a trial

Interrupted, the same command goes on from its last checkpoint (every 500 steps). It ends with FOLDER/prior_network.npz,
which belongs into SparseAnnotateLib/predictors/guided. Needs PyTorch, on the processor. FOLDER/log.csv holds the loss,
and that of volumes not learnt from, beside the loss of the pool that the network corrects.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from samples import SIDE, UNITS, Sample, Stream, samples
from SparseAnnotateLib.predictors.guided.network import LOGIT_UNIT, POOL_MAP
from torch import nn
from torch.nn import functional

BATCH, CROP = 8, 64
RATE, WEIGHT_DECAY, WARM_UP = 2e-3, 1e-3, 200
STEPS_A_VOLUME, FIRST_VOLUMES, VOLUMES_KEPT = 40, 40, 500
CHECKED_VOLUMES, FIRST_CHECKED = 40, 900_000
CHECKPOINT_STEPS, AVERAGED_STEPS = 500, 5
WIDTHS = 48, 64, 96
MAPS, LINEAR_MAP = 19, 9

# Where the sides change places: images, carried images, carried labels, distances.
SIDES_SWAPPED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 9, 10, 11, 12]


class Convolution(nn.Sequential):
    """3 x 3, normalised over the batch, leaky rectified."""

    def __init__(self, inward: int, outward: int):
        convolution = nn.Conv2d(inward, outward, 3, padding=1, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outward), nn.LeakyReLU(0.1))


class PriorNetwork(nn.Module):
    """As `convolutions.Network`, which runs it without PyTorch."""

    def __init__(self):
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.fine, self.middle = Convolution(4 * MAPS, fine), Convolution(fine, middle)
        self.coarse, self.coarser = Convolution(middle, coarse), Convolution(coarse, coarse)
        self.middle_again, self.fine_again = Convolution(coarse + middle, middle), Convolution(middle + fine, fine)
        self.pixels = nn.Conv2d(fine, 4, 1)
        nn.init.zeros_(self.pixels.weight)
        nn.init.zeros_(self.pixels.bias)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        fine = self.fine(functional.pixel_unshuffle(maps, 2).contiguous(memory_format=torch.channels_last))
        middle = self.middle(functional.avg_pool2d(fine, 2))
        coarse = self.coarser(self.coarse(functional.avg_pool2d(middle, 2)))
        middle = self.middle_again(torch.cat([functional.interpolate(coarse, scale_factor=2), middle], 1))
        fine = self.fine_again(torch.cat([functional.interpolate(middle, scale_factor=2), fine], 1))
        return functional.pixel_shuffle(self.pixels(fine), 2)[:, 0]

    def arrays(self) -> dict[str, np.ndarray]:
        """Weights as they are shipped, float16, the normalisation part of them."""
        arrays = {}
        for name, layer in self.named_children():
            weight, bias = layer.weight if name == "pixels" else layer[0].weight, getattr(layer, "bias", None)
            if name == "pixels":
                weight = weight[:, :, 0, 0]
            else:
                norm = layer[1]
                scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                weight, bias = weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
            arrays[f"{name}_weight"] = weight.detach().numpy().astype(np.float16)
            arrays[f"{name}_bias"] = bias.detach().numpy().astype(np.float16)
        return arrays


def cropped(sample: Sample, square: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps, place and truth."""
    return sample.maps[(slice(None), *square)].astype(np.float32) / UNITS, sample.place, sample.truth[square]


def varied(sample: Sample, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A crop, mirrored and turned, sides swapped, brightness changed: maps, place and truth."""
    down, right = rng.integers(0, SIDE - CROP + 1, 2)
    square = slice(down, down + CROP), slice(right, right + CROP)
    maps, truth, place = (
        sample.maps[(slice(None), *square)].astype(np.float32) / UNITS,
        sample.truth[square],
        sample.place,
    )
    if rng.random() < 0.5:
        maps, truth = maps[:, ::-1], truth[::-1]
    if rng.random() < 0.5:
        maps, truth = maps[:, :, ::-1], truth[:, ::-1]
    if rng.random() < 0.5:
        maps, truth = maps.transpose(0, 2, 1), truth.T
    if rng.random() < 0.5:
        maps, place = maps[SIDES_SWAPPED], place * np.array([-1, 1, 1, 1], np.float32)
    maps = maps.copy()
    images = maps[:5]
    if rng.random() < 0.5:
        images[:] = np.sign(images) * np.abs(images) ** np.float32(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        images += rng.normal(0, rng.uniform(0, 0.3), images.shape).astype(np.float32)
    images *= np.float32(np.exp(rng.normal(0, 0.2)) * (1 if rng.random() < 0.6 else -1))
    images += np.float32(rng.normal(0, 0.2))
    return maps, place, truth


def batch(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (batch, 19, rows, columns), with the differences of the images and the place, and the truth."""
    maps, places, truth = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
    differences, size = maps[:, 3:5] - maps[:, :1], maps.shape[2:]
    return torch.cat([maps, differences, places[:, :, None, None].expand(-1, -1, *size)], 1), truth.float()


def loss_of(logits: torch.Tensor, maps: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Twice the cross entropy where the border may lie, plus 1 - Dice of each crop."""
    near = (maps[:, POOL_MAP].abs() < 1.9) | (maps[:, LINEAR_MAP].abs() < 1.9) | (truth > 0)
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none") * near
    entropy = each.sum((1, 2)) / (near.sum((1, 2)) + 50)
    likely = torch.sigmoid(logits)
    dice = (2 * (likely * truth).sum((1, 2)) + 5) / (likely.sum((1, 2)) + truth.sum((1, 2)) + 5)
    return 2 * entropy.mean() + 1 - dice.mean()


class Training:
    """The state that a checkpoint holds: the network, its average over steps, the optimizer, the steps done."""

    def __init__(self, folder: Path, steps: int):
        self._path, self._steps, self.step = folder / "checkpoint.pt", steps, 0
        torch.manual_seed(0)
        self.network, self.average = PriorNetwork(), PriorNetwork()
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
        if self._path.exists():
            held = torch.load(self._path, weights_only=True)
            self.step = held["step"]
            for name in ("network", "average", "optimizer"):
                getattr(self, name).load_state_dict(held[name])

    def save(self) -> None:
        held = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer")}
        aside = self._path.with_suffix(".new")
        torch.save(held | {"step": self.step}, aside)
        os.replace(aside, self._path)

    def learn(self, stream: Stream) -> float:
        """One step; the loss."""
        self.step += 1
        rng = np.random.default_rng([1, self.step])
        rate = RATE * min(1, self.step / WARM_UP) * (1 + math.cos(math.pi * self.step / self._steps)) / 2 + 1e-6
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        maps, truth = batch([varied(stream.draw(rng), rng) for _ in range(BATCH)])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            correction = self.network(maps)
        loss = loss_of(LOGIT_UNIT * maps[:, POOL_MAP] + correction.float(), maps, truth)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        if self.step % AVERAGED_STEPS == 0:
            self._average()
        return loss.item()

    @torch.no_grad()
    def _average(self) -> None:
        kept = min(0.995, 1 - 10 / (self.step / AVERAGED_STEPS + 10))
        both = zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True)
        for average, now in both:
            if average.dtype.is_floating_point:
                average.mul_(kept).add_(now, alpha=1 - kept)
            else:
                average.copy_(now)

    @torch.inference_mode()
    def checked(self, held_out: list[Sample]) -> tuple[float, float]:
        """Loss of the averaged network on volumes not learnt from, and of the pool alone."""
        self.average.eval()
        square, losses = slice((SIDE - CROP) // 2, (SIDE + CROP) // 2), []
        for first in range(0, len(held_out), 32):
            some = held_out[first : first + 32]
            parts = [
                (s.maps[:, square, square].astype(np.float32) / UNITS, s.place, s.truth[square, square]) for s in some
            ]
            maps, truth = batch(parts)
            pool = LOGIT_UNIT * maps[:, POOL_MAP]
            losses.append([loss_of(logits, maps, truth).item() for logits in (pool + self.average(maps), pool)])
        return tuple(np.mean(losses, axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=30_000)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    training, stream = Training(arguments.folder, arguments.steps), Stream(VOLUMES_KEPT)
    held_out = [one for seed in range(CHECKED_VOLUMES) for one in samples(FIRST_CHECKED + seed)]
    losses: list[float] = []
    while training.step < arguments.steps:
        stream.up_to(FIRST_VOLUMES + training.step // STEPS_A_VOLUME)
        losses.append(training.learn(stream))
        if training.step % CHECKPOINT_STEPS == 0 or training.step == arguments.steps:
            training.save()
            row = [training.step, np.mean(losses), *training.checked(held_out), time.process_time()]
            with open(arguments.folder / "log.csv", "a") as log:
                log.write(",".join(f"{value:.5g}" for value in row) + "\n")
            losses.clear()
    np.savez(arguments.folder / "prior_network.npz", **training.average.arrays())


if __name__ == "__main__":
    main()
