"""Predictors side by side: the same painted planes, the same device, Dice over all planes and seconds.

    python Testing/benchmarks/predictors.py ../shared/data                      nearest, shape, unet, on every case
    python Testing/benchmarks/predictors.py ../shared/data --contest            the papers' way against our defaults
    python Testing/benchmarks/predictors.py ../shared/data --cases A,B --run unet:prior=none,steps=100 --run unet

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked, and
max(2, round(fraction x range)) evenly spaced, centred planes are painted with the reference labels.

`paper` is a plain segmentation_models_pytorch U-Net trained as in the papers: resnet152, whole planes, one channel,
batch of 8, cross entropy and Dice, AdamW 5e-4, a fixed number of epochs; it shares no code with ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.device import resolve_device
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateLib.selectors.base import count_for
from SparseAnnotateLib.volume import Volume


@dataclass
class Case:
    """A volume, its reference as class numbers, and what the simulated expert gave of it."""

    name: str
    volume: Volume
    reference: np.ndarray
    annotation: SparseAnnotation

    def dice(self, labels: np.ndarray, planes=slice(None)) -> float:
        """Mean over the structures; over all planes, or some. Structures that are on none of them do not count."""
        reference, labels = self.reference[planes], labels[planes]
        scores = []
        for number in range(1, self.annotation.class_count + 1):
            given, found = reference == number, labels == number
            total = np.count_nonzero(given) + np.count_nonzero(found)
            scores.append(2 * np.count_nonzero(given & found) / total if total else np.nan)
        return float(np.nanmean(scores))


@dataclass
class Contestant:
    """A predictor with options, or `paper`; results by case."""

    text: str
    epochs: int
    dice: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def predict(self, case: Case, device: str) -> tuple[np.ndarray, dict]:
        name, _, options = self.text.partition(":")
        if name == "paper":
            return paper_recipe(case, device, self.epochs), {}
        given = dict(option.split("=", 1) for option in options.split(",") if option)
        if "device" not in given:
            given["device"] = device
        prediction = run(PREDICTORS.create(name, given), case.volume, case.annotation)
        return prediction.labels, prediction.details

    def run(self, case: Case, device: str) -> dict:
        """Predict one case, timed."""
        started, cpu_started = time.perf_counter(), time.process_time()
        labels, details = self.predict(case, device)
        cpu_seconds = round(time.process_time() - cpu_started, 2)
        self.seconds[case.name] = time.perf_counter() - started
        self.dice[case.name] = case.dice(labels)
        seconds, dice = round(self.seconds[case.name], 2), round(self.dice[case.name], 4)
        measured = {"dice": dice, "seconds": seconds, "cpu_seconds": cpu_seconds}
        return {"case": case.name, "run": self.text, **measured, "details": details}


def load_case(folder: Path, fraction: float) -> Case:
    volume = read_image(folder / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)
    first, last = expert.plane_range
    length = last - first + 1
    count = count_for(fraction, length)
    planes = [int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)]
    return Case(folder.name, volume, expert.reference, expert.paint(planes))


def paper_recipe(case: Case, device: str, epochs: int) -> np.ndarray:
    """A U-Net on resnet152 overfitted to the painted planes, written with the public libraries alone."""
    import segmentation_models_pytorch as smp
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    annotation = case.annotation
    image = torch.from_numpy((case.volume.intensities - case.volume.intensities.mean()) / case.volume.intensities.std())
    rows, columns = image.shape[1:]
    padding = (0, -columns % 32, 0, -rows % 32)
    image = functional.pad(image[:, None], padding, mode="replicate")
    planes = torch.tensor(annotation.painted_planes)
    truth = functional.pad(torch.from_numpy(annotation.labels[planes.numpy()]).long(), padding).to(device)
    inputs = image[planes].to(device)
    network = smp.Unet("resnet152", encoder_weights=None, in_channels=1, classes=annotation.class_count + 1).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4)
    dice = smp.losses.DiceLoss("multiclass")
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(planes)).split(8):
            logits = network(inputs[batch])
            loss = functional.cross_entropy(logits, truth[batch]) + dice(logits, truth[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    network.eval()
    labels = np.zeros(case.reference.shape, np.uint8)
    first, last = annotation.plane_range
    with torch.inference_mode():
        for batch in torch.arange(first, last + 1).split(8):
            found = network(image[batch].to(device)).argmax(1)[:, :rows, :columns]
            labels[batch.numpy()] = found.cpu().numpy()
    np.copyto(labels, annotation.labels, where=annotation.known)
    return labels


def table(contestants: list[Contestant]) -> str:
    """Dice and seconds by case, their mean and spread, and the ratio of seconds to the first contestant's."""
    lines = ["| case | " + " | ".join(c.text for c in contestants) + " |", "|---" * (len(contestants) + 1) + "|"]
    for name in contestants[0].dice:
        cells = [f"{c.dice[name]:.3f} ({c.seconds[name]:.1f} s)" for c in contestants]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [f"{np.mean(list(c.dice.values())):.4f} ± {np.std(list(c.dice.values())):.3f}" for c in contestants]
    lines.append(f"| mean of {len(contestants[0].dice)} | " + " | ".join(means) + " |")
    first = sum(contestants[0].seconds.values())
    ratios = [f"{first / sum(c.seconds.values()):.2f} x as fast as the first" for c in contestants]
    lines.append("| all cases | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def main() -> None:
    # Python put this folder first, where selectors.py hides the standard library's module that torch needs.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", help="names joined with commas; by default all")
    parser.add_argument("--run", action="append", help="a predictor, or predictor:option=value,option=value; or paper")
    parser.add_argument("--contest", action="store_true", help="the same as --run paper --run unet")
    parser.add_argument("--epochs", type=int, default=300, help="of the papers' way")
    parser.add_argument("--fraction", type=float, default=0.2, help="of the structures' range")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--results", type=Path, help="JSON lines; runs that are there already are not repeated")
    arguments = parser.parse_args()
    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    texts = arguments.run or (["paper", "unet"] if arguments.contest else ["nearest", "shape", "unet"])
    contestants = [Contestant(text, arguments.epochs) for text in texts]
    names = arguments.cases.split(",") if arguments.cases else None
    names = names or sorted(path.name for path in arguments.data.iterdir() if (path / "label.nii.gz").exists())
    known = load_results(arguments.results)
    for name in names:
        run_case(arguments, name, contestants, known)
    sys.stdout.write(table(contestants) + "\n")


def load_results(file: Path | None) -> dict:
    if file is None or not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return {(row["case"], row["run"]): row for row in rows}


def run_case(arguments, name: str, contestants: list[Contestant], known: dict) -> None:
    case = None
    device = resolve_device(arguments.device)
    for contestant in contestants:
        row = known.get((name, contestant.text))
        if row is None:
            case = case or load_case(arguments.data / name, arguments.fraction)
            row = {"device": device, **contestant.run(case, device)}
            if arguments.results:
                with arguments.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
        contestant.dice[name], contestant.seconds[name] = row["dice"], row["seconds"]


if __name__ == "__main__":
    main()
