"""Learn the weights of `guided`'s prior network anew, from made-up volumes alone.

    python Testing/prior_network/train.py FOLDER                 88,000 steps: 80 minutes of one core
    python Testing/prior_network/train.py FOLDER --steps 2000    a trial

Interrupted, the same command goes on from its last checkpoint (every 500 steps). It ends with FOLDER/prior_network.npz,
which belongs into SparseAnnotateLib/predictors/guided. Needs PyTorch, on the processor. FOLDER/log.csv holds the loss,
and that of volumes not learnt from, beside the loss of the pool that the network corrects.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from samples import LINEAR_MAP, SIDE, UNITS, Sample, Stream, samples
from SparseAnnotateLib.predictors.guided.network import LOGIT_UNIT, POOL_MAP
from torch import nn
from torch.nn import functional

BATCH, CROP = 8, 64
WEIGHT_DECAY, WARM_UP_STEPS = 1e-3, 200
STEPS_A_VOLUME, FIRST_VOLUMES, VOLUMES_KEPT = 50, 40, 600
CHECKED_VOLUMES, FIRST_CHECKED = 40, 900_000
CHECKPOINT_STEPS, AVERAGED_STEPS = 500, 5
WIDTHS = 48, 80, 128
MAPS, PLACES = 13, 4

# Where the sides change places: images, carried images, carried labels, distances.
SIDES_SWAPPED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 9, 10, 11, 12]


@dataclass(frozen=True)
class Round:
    """Steps with volumes of their own: the rate stays, and goes to 0 in the last `cooled_share` of them."""

    first_step: int
    steps: int
    rate: float
    cooled_share: float
    margin_pixels: int
    harder: bool = False

    def rate_at(self, step: int) -> float:
        since = step - self.first_step
        left = (self.steps - since) / (self.cooled_share * self.steps)
        return self.rate * min(1, since / WARM_UP_STEPS, left) + 1e-6


# Windows end as in `guided` and their edge is repeated; then the network sees what is around them.
# The last one is learnt from harder volumes.
ROUNDS = (
    Round(0, 46_000, 2e-3, 0.3, 8),
    Round(46_000, 12_000, 1e-3, 0.5, 24),
    Round(58_000, 30_000, 1.5e-3, 0.6, 24, harder=True),
)
STEPS = sum(one.steps for one in ROUNDS)


def rounds_of(steps: int) -> list[Round]:
    """The same with so many steps together."""
    begins = [round(one.first_step * steps / STEPS) for one in ROUNDS] + [steps]
    pairs = zip(ROUNDS, itertools.pairwise(begins), strict=True)
    return [replace(one, first_step=begin, steps=end - begin) for one, (begin, end) in pairs]


class Convolution(nn.Module):
    """3 x 3, normalised over the batch, leaky rectified."""

    def __init__(self, inward: int, outward: int):
        super().__init__()
        self.weights = nn.Conv2d(inward, outward, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outward)

    def forward(self, maps: torch.Tensor, shift: torch.Tensor | float = 0) -> torch.Tensor:
        return functional.leaky_relu(self.norm(self.weights(maps) + shift), 0.1)

    def folded(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weights and bias with the normalisation in them, and what a shift is multiplied by."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        bias = self.norm.bias - self.norm.running_mean * scale
        return self.weights.weight * scale[:, None, None, None], bias, scale


class PriorNetwork(nn.Module):
    """As `convolutions.Network`, which runs it without PyTorch."""

    def __init__(self):
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.fine, self.middle = Convolution(4 * MAPS, fine), Convolution(fine, middle)
        self.coarse, self.coarser = Convolution(middle, coarse), Convolution(coarse, coarse)
        self.middle_again, self.fine_again = Convolution(middle, middle), Convolution(fine, fine)
        self.place = nn.Linear(PLACES, fine)
        self.to_middle, self.to_fine = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.pixels = nn.Conv2d(fine, 4, 1)
        nn.init.zeros_(self.pixels.weight)
        nn.init.zeros_(self.pixels.bias)

    def forward(self, maps: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        blocks = functional.pixel_unshuffle(maps, 2).contiguous(memory_format=torch.channels_last)
        fine = self.fine(blocks, self.place(places)[:, :, None, None])
        middle = self.middle(functional.avg_pool2d(fine, 2))
        coarse = self.coarser(self.coarse(functional.avg_pool2d(middle, 2)))
        middle = self.middle_again(middle + functional.interpolate(self.to_middle(coarse), scale_factor=2))
        fine = self.fine_again(fine + functional.interpolate(self.to_fine(middle), scale_factor=2))
        return functional.pixel_shuffle(self.pixels(fine), 2)[:, 0]

    @torch.no_grad()
    def arrays(self) -> dict[str, np.ndarray]:
        """Weights as they are shipped, float16, the normalisation part of them."""
        arrays = {}
        for name, layer in self.named_children():
            if isinstance(layer, Convolution):
                weight, bias, scale = layer.folded()
                if name == "fine":
                    bias = bias + scale * self.place.bias
                    arrays["place_weight"] = scale[:, None] * self.place.weight
            elif name == "place":
                continue
            else:
                weight, bias = layer.weight[:, :, 0, 0], layer.bias
            arrays |= {f"{name}_weight": weight, f"{name}_bias": bias}
        return {name: array.numpy().astype(np.float16) for name, array in arrays.items()}


Part = tuple[np.ndarray, np.ndarray, np.ndarray]


def cropped(sample: Sample, down: int, right: int) -> Part:
    """Maps, place and truth in a square."""
    square = slice(down, down + CROP), slice(right, right + CROP)
    return sample.maps[(slice(None), *square)].astype(np.float32) / UNITS, sample.place, sample.truth[square]


def varied(sample: Sample, rng: np.random.Generator) -> Part:
    """A crop, mirrored and turned, sides swapped, brightness changed."""
    maps, place, truth = cropped(sample, *rng.integers(0, SIDE - CROP + 1, 2))
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


def batch(parts: list[Part]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maps (batch, 13, rows, columns), places (batch, 4) and the truth."""
    maps, places, truth = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
    return maps, places, truth.float()


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

    def __init__(self, folder: Path):
        self._path, self.step = folder / "checkpoint.pt", 0
        torch.manual_seed(0)
        self.network, self.average = (PriorNetwork().to(memory_format=torch.channels_last) for _ in range(2))
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.0, weight_decay=WEIGHT_DECAY)
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

    def learn(self, stream: Stream, one: Round) -> float:
        """One step; the loss."""
        self.step += 1
        rng = np.random.default_rng([1, self.step])
        for group in self.optimizer.param_groups:
            group["lr"] = one.rate_at(self.step)
        maps, places, truth = batch([varied(stream.draw(rng), rng) for _ in range(BATCH)])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            correction = self.network(maps, places)
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
        corner, losses = (SIDE - CROP) // 2, []
        for first in range(0, len(held_out), 32):
            maps, places, truth = batch([cropped(one, corner, corner) for one in held_out[first : first + 32]])
            pool = LOGIT_UNIT * maps[:, POOL_MAP]
            both = pool + self.average(maps, places), pool
            losses.append([loss_of(logits, maps, truth).item() for logits in both])
        return tuple(np.mean(losses, axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    training = Training(arguments.folder)
    for number, one in enumerate(rounds_of(arguments.steps), start=1):
        path = arguments.folder / f"round_{number}.npz"
        if training.step < one.first_step + one.steps or not path.exists():
            learn_round(training, one, arguments.folder / "log.csv")
            np.savez(path, **training.average.arrays())
    np.savez(arguments.folder / "prior_network.npz", **mean_of(arguments.folder, number))


def mean_of(folder: Path, last: int) -> dict[str, np.ndarray]:
    """The mean of what the last two rounds ended with: good at both kinds of volumes (docs/measurements)."""
    before, after = (dict(np.load(folder / f"round_{number}.npz")) for number in (last - 1, last))
    return {name: ((before[name].astype(np.float32) + after[name]) / 2).astype(np.float16) for name in after}


def learn_round(training: Training, one: Round, log: Path) -> None:
    """From where the training is to the end of the round."""
    stream = Stream(VOLUMES_KEPT, one.first_step // STEPS_A_VOLUME, one.margin_pixels, one.harder)
    checked = range(FIRST_CHECKED, FIRST_CHECKED + CHECKED_VOLUMES)
    held_out = [sample for seed in checked for sample in samples(seed, one.margin_pixels, one.harder)]
    losses, end = [], one.first_step + one.steps
    while training.step < end:
        stream.have(FIRST_VOLUMES + (training.step - one.first_step) // STEPS_A_VOLUME)
        losses.append(training.learn(stream, one))
        if training.step % CHECKPOINT_STEPS == 0 or training.step == end:
            training.save()
            row = [training.step, np.mean(losses), *training.checked(held_out), time.process_time()]
            with log.open("a") as file:
                file.write(",".join(f"{value:.5g}" for value in row) + "\n")
            losses.clear()


if __name__ == "__main__":
    main()
