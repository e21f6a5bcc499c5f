"""How well and how fast a cohort network is trained, in processor seconds.

    python Testing/benchmarks/cohort_training.py learn DATA 'MSD_hippocampus_*' --fraction 0.2 [options of cohort train]
    python Testing/benchmarks/cohort_training.py cost [--threads 1]

`learn` paints evenly spaced planes of every scan by their labels, trains, and prints the Dice of the scans that are
kept out after each epoch. `cost` times steps on random blocks, of our networks and of MONAI's DynUNet of the same size,
where MONAI is installed, in turns in the same run.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.cohort.scans import CohortScan
from SparseAnnotateLib.cohort.training.trainer import train_cohort
from SparseAnnotateLib.commands.cohort.train import add_network, add_training, settings_from
from SparseAnnotateLib.io import read_image, read_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    below = parser.add_subparsers(required=True)
    learning = below.add_parser("learn")
    learning.add_argument("data", type=Path)
    learning.add_argument("pattern")
    learning.add_argument("--fraction", type=float, default=0.1)
    learning.add_argument("--axis", default="k")
    learning.add_argument("--threads", type=int, default=1)
    learning.add_argument("--seed", type=int, default=0)
    add_network(learning)
    add_training(learning)
    learning.set_defaults(run=learn)
    timing = below.add_parser("cost")
    timing.add_argument("--threads", type=int, default=1)
    timing.add_argument("--block", type=int, nargs=3, default=(16, 48, 48))
    timing.add_argument("--rounds", type=int, default=3)
    timing.set_defaults(run=cost)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    arguments.run(arguments)


def painted(folder: Path, fraction: float, axis: str) -> CohortScan:
    """A scan of which a share of the planes of its range is painted by the reference, evenly spaced."""
    volume = read_image(folder / "image.nii.gz", axis)
    file = read_labels(folder / "label.nii.gz", volume)
    there = np.flatnonzero(file.labels.any(axis=(1, 2)))
    first, length = int(there[0]), int(there[-1] - there[0] + 1)
    count = max(2, int(np.floor(fraction * length + 0.5)))
    planes = [int(first + (n + 0.5) * length / count) for n in range(count)]
    ends = (first, first + length - 1)
    annotation = SparseAnnotation.from_painted_planes(file.labels, planes, classes=file.classes, plane_range=ends)
    return CohortScan(folder.name, volume, annotation)


def learn(arguments) -> None:
    folders = sorted(arguments.data.glob(arguments.pattern))
    scans = [painted(folder, arguments.fraction, arguments.axis) for folder in folders]
    start = time.process_time()

    def show(epoch) -> None:
        dice = " ".join(f"{value:.3f}" for value in epoch.dice)
        seconds = time.process_time() - start
        print(f"{epoch.steps:5d} steps {seconds:7.1f} s  loss {epoch.loss:.3f}  Dice {dice}", flush=True)

    model = train_cohort(scans, settings_from(arguments), on_epoch=show)
    summary = model.training_summary
    print(f"{summary['training_scans']} scans, {summary['painted_planes']} planes; best Dice {summary['best_dice']}")


def cost(arguments) -> None:
    networks = {
        f"{name} {channels}": (kind, channels)
        for channels in (8, 16)
        for name, kind in (("attention-unet3d", True), ("unet3d", False), ("MONAI DynUNet", None))
    }
    seconds = {name: [] for name in networks}
    for _ in range(arguments.rounds):
        for name, (kind, channels) in networks.items():
            step = _step_of(name, kind, channels, tuple(arguments.block))
            if step is None:
                continue
            step()  # the first one prepares what others use
            start = time.process_time()
            step()
            seconds[name].append(time.process_time() - start)
    for name, all_seconds in seconds.items():
        if all_seconds:
            peer = np.median(seconds[f"unet3d {name.split()[-1]}"])
            each = np.median(all_seconds)
            print(f"{name:22s} {each:6.2f} s a step of 8 blocks, {each / peer:.2f} times unet3d")


_STEPS: dict = {}


def _step_of(name: str, kind: bool | None, channels: int, block: tuple[int, int, int]):
    """A function that does one step of training; None where MONAI is not installed."""
    if name not in _STEPS:
        network = _network(kind, channels)
        _STEPS[name] = None if network is None else _stepper(network, block, ours=kind is not None)
    return _STEPS[name]


def _network(kind: bool | None, channels: int):
    from SparseAnnotateLib.learning.attention.network import build_attention_network

    if kind is not None:
        return build_attention_network(2, channels, 3, 0, channels=2, attention=kind)
    try:
        from monai.networks.nets import DynUNet
    except ImportError:
        return None
    filters = [channels * 2**level for level in range(4)]
    norm = ("group", {"num_groups": min(8, channels)})
    return DynUNet(3, 2, 2, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=filters, norm_name=norm)


def _stepper(network, block: tuple[int, int, int], *, ours: bool):
    import torch
    from SparseAnnotateLib.learning.losses import build_loss

    images = torch.randn(8, 2, *block)
    if ours:
        images = images.contiguous(memory_format=torch.channels_last_3d)
    labels = (images[:, 0] > 1).long()
    known, loss = torch.ones_like(labels, dtype=torch.bool), build_loss("dice")
    optimizer = torch.optim.AdamW(network.parameters())

    def step() -> None:
        optimizer.zero_grad()
        heads = network(images)
        heads = heads if isinstance(heads, tuple) else (heads,)
        sum(loss(logits, labels, known) for logits in heads).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
