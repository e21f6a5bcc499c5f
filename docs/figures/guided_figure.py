"""Makes docs/pictures/guided.png: what each prior of `guided` says about one plane, and what becomes of it.

    python docs/figures/guided_figure.py

The volume is made up (two structures of the same brightness that bend and drift through texture), so that the figure
can be made anywhere and shows nobody's scan.
"""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.predictors.guided.planes import PlaneWorker
from SparseAnnotateLib.predictors.guided.pool import INSIDE, log_priors, pooled
from SparseAnnotateLib.predictors.guided.priors import Bracket
from SparseAnnotateLib.predictors.guided.probabilities import softmax_of_distances

matplotlib.use("Agg")
from matplotlib import pyplot as plt

PAINTED = (4, 16, 28)
SHOWN = 11
SIZE = 120
COLORS = ("tab:red", "tab:cyan")


def made_up_volume() -> tuple[Volume, np.ndarray]:
    """A bent tube and a bean beside it; both move by a pixel or two from plane to plane."""
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    labels = np.zeros((33, SIZE, SIZE), np.uint8)
    texture = cv2.GaussianBlur(rng.normal(size=(SIZE + 80, SIZE + 80)).astype(np.float32), (0, 0), 3)
    planes = []
    for z in range(33):
        swing = 20 * np.sin(z / 9)
        angle = np.arctan2(row - 45 - 0.6 * z, column - 50 - swing)
        first = np.hypot(row - 45 - 0.6 * z, column - 50 - swing) < 15 + 4 * np.sin(3 * angle + z / 5)
        second = np.hypot((row - 82 + 0.5 * z) / 1.5, column - 78 + swing / 3 - 0.03 * (row - 80) ** 2) < 8 + z / 8
        labels[z][first] = 1
        labels[z][second & ~first] = 2
        moved = texture[40 - z // 2 : 40 - z // 2 + SIZE, 40 - int(swing / 2) : 40 - int(swing / 2) + SIZE]
        clean = 5 * moved + 1.6 * (labels[z] > 0) + 0.5 * (labels[z] == 2)
        planes.append(cv2.GaussianBlur(clean.astype(np.float32), (0, 0), 1) + rng.normal(0, 0.35, clean.shape))
    return Volume.from_array(np.stack(planes)), labels


def priors_of(volume: Volume, annotation: SparseAnnotation) -> tuple[dict[str, np.ndarray], tuple]:
    """Name -> probabilities (classes + 1, rows, columns) on the plane shown, and their region."""
    worker = PlaneWorker(volume, annotation, seed=0)
    below, above = PAINTED[0], PAINTED[1]
    ways = {below: range(below + 1, SHOWN + 1), above: range(above - 1, SHOWN - 1, -1)}
    upward, downward = (worker.carry(source, way, worker.steps(source, way))[SHOWN] for source, way in ways.items())
    priors = worker.priors(Bracket(SHOWN, below, above), upward, downward)
    whole = {name: getattr(priors, name) for name in ("patch", "propagated")}
    whole |= {name: softmax_of_distances(getattr(priors, name), 1.0) for name in ("cubic", "chain")}
    whole["pool"] = pooled(log_priors(priors, 1.0), INSIDE, np.ones(3, bool))
    shown = {}
    for name in ("cubic", "chain", "patch", "propagated", "pool"):
        full = (np.arange(3)[:, None, None] == priors.base).astype(np.float32)
        full.reshape(3, -1)[:, priors.band] = whole[name]
        shown[name] = full
    return shown, worker.region


def draw(axis, title: str, image: np.ndarray, labels: np.ndarray | None, truth: np.ndarray | None) -> None:
    axis.imshow(image, cmap="gray", vmin=-2, vmax=4)
    for number, color in enumerate(COLORS, start=1):
        if labels is not None and (labels == number).any():
            axis.contourf(labels == number, levels=[0.5, 1.5], colors=[color], alpha=0.35)
        if truth is not None:
            axis.contour(truth == number, levels=[0.5], colors=[color], linewidths=1.2)
    finish(axis, title)


def finish(axis, title: str) -> None:
    axis.set(xlim=(35, 110), ylim=(108, 33))
    axis.set_title(title, fontsize=9)
    axis.axis("off")


def dice(labels: np.ndarray, truth: np.ndarray) -> float:
    return float(
        np.mean([2 * ((labels == n) & (truth == n)).sum() / ((labels == n).sum() + (truth == n).sum()) for n in (1, 2)])
    )


def main() -> None:
    volume, labels = made_up_volume()
    annotation = SparseAnnotation.from_painted_planes(labels, PAINTED, plane_range=(0, 32))
    prediction = run(PREDICTORS.create("guided", {"keep_probabilities": True}), volume, annotation)
    shape = run(PREDICTORS.create("shape"), volume, annotation).labels[SHOWN]
    priors, region = priors_of(volume, annotation)
    image = volume.intensities
    truth = labels[SHOWN]
    figure, axes = plt.subplots(2, 5, figsize=(12.5, 5.8))
    for axis, plane in zip(axes[0, :2], PAINTED[:2], strict=True):
        draw(axis, f"plane {plane}, painted", image[plane], labels[plane], None)
    draw(axes[0, 2], f"shape: Dice {dice(shape, truth):.2f}", image[SHOWN], shape, truth)
    places = [axes[0, 3], axes[0, 4], axes[1, 0], axes[1, 1], axes[1, 2]]
    for axis, (name, probabilities) in zip(places, priors.items(), strict=True):
        found = np.zeros_like(truth)
        found[region] = probabilities.argmax(axis=0)
        draw(axis, f"{name}: Dice {dice(found, truth):.2f}", image[SHOWN], found, truth)
    found = prediction.labels[SHOWN]
    draw(axes[1, 3], f"guided: Dice {dice(found, truth):.2f}", image[SHOWN], found, truth)
    axes[1, 4].imshow(
        1 - prediction.probabilities[:, SHOWN].astype(np.float32).max(axis=0), cmap="magma", vmin=0, vmax=0.6
    )
    finish(axes[1, 4], f"its doubt; expected Dice {prediction.expected_dice_per_plane[SHOWN]:.2f}")
    figure.suptitle(f"Plane {SHOWN} of a made-up volume; lines: truth, areas: prediction", fontsize=10)
    figure.tight_layout(h_pad=1.5)
    figure.savefig(Path(__file__).parents[1] / "pictures" / "guided.png", dpi=110)


if __name__ == "__main__":
    main()
