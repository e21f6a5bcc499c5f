"""What a training writes while it runs: a table (CSV), TensorBoard's event files, and a picture of both."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...io.writing import write_text, written_aside

TABLE, PICTURE = "log.csv", "log.png"

# A picture takes .4 s; an epoch of a small study less.
_PICTURE_EVERY_S = 60.0


@dataclass(frozen=True)
class Epoch:
    """One epoch, done.

    Attributes
    ----------
    number : from 1
    steps : of all epochs so far
    loss : mean over its steps
    score : that the best weights are chosen by: soft Dice of the validation scans, or minus the training loss
    dice : of the known voxels of the validation scans, of each structure; none where there are none to validate
    learning_rate : of its last step
    restarted : the second step of the two began from the best weights after it
    best : its weights are the best so far
    seconds : of all epochs so far
    """

    number: int
    steps: int
    loss: float
    score: float
    dice: tuple[float, ...]
    learning_rate: float
    restarted: bool
    best: bool
    seconds: float

    @property
    def mean_dice(self) -> float | None:
        """Over the structures that occur in the validation scans."""
        there = [value for value in self.dice if value == value]
        return sum(there) / len(there) if there else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "dice": list(self.dice)}

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> Epoch:
        """The way back."""
        return cls(**{**entries, "dice": tuple(entries["dice"])})


class TrainingLog:
    """Keeps the files in a folder up to date.

    Parameters
    ----------
    folder : None to write nothing
    class_names : of the structures
    history : epochs before a resumption; later ones that the files hold are of a training that was killed
    """

    def __init__(self, folder: Path | None, class_names: Sequence[str], history: Sequence[Epoch] = ()):
        self.folder, self.class_names = folder, tuple(class_names)
        self.history = list(history)
        self._events = None if folder is None else _event_writer(folder, len(self.history))
        self._drawn = time.monotonic()

    def add(self, epoch: Epoch) -> None:
        """Write one epoch down."""
        self.history.append(epoch)
        if self.folder is None:
            return
        write_text(self.folder / TABLE, table(self.history, self.class_names), ".csv")
        if self._events is not None:
            for name, value in _scalars(epoch, self.class_names).items():
                self._events.add_scalar(name, value, epoch.number)
            self._events.flush()
        if time.monotonic() > self._drawn + _PICTURE_EVERY_S:
            draw(self.history, self.class_names, self.folder / PICTURE)
            self._drawn = time.monotonic()

    def close(self) -> None:
        """The last picture, and the table, which a kill right after a checkpoint left behind."""
        if self._events is not None:
            self._events.close()
        if self.folder is not None and self.history:
            write_text(self.folder / TABLE, table(self.history, self.class_names), ".csv")
            draw(self.history, self.class_names, self.folder / PICTURE)


def _event_writer(folder: Path, epochs: int):
    """TensorBoard's writer, if it is installed; what a killed run wrote beyond `epochs` is taken back."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=epochs + 1 if epochs else None)


def _scalars(epoch: Epoch, class_names: Sequence[str]) -> dict[str, float]:
    dice = {f"dice/{name}": value for name, value in zip(class_names, epoch.dice, strict=False) if value == value}
    mean = {} if epoch.mean_dice is None else {"dice/mean": epoch.mean_dice}
    return {"loss/training": epoch.loss, "score": epoch.score, "learning_rate": epoch.learning_rate, **mean, **dice}


def table(history: Sequence[Epoch], class_names: Sequence[str]) -> str:
    """CSV with a line an epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["epoch", "steps", "loss", "score", "learning_rate", "restarted", "best", "seconds", "mean_dice"]
    writer.writerow([*names, *(f"dice {name}" for name in class_names)])
    for one in history:
        mean = "" if one.mean_dice is None else f"{one.mean_dice:.4f}"
        dice = [f"{value:.4f}" if value == value else "" for value in one.dice] or [""] * len(class_names)
        numbers = [f"{one.loss:.6f}", f"{one.score:.6f}", f"{one.learning_rate:.3g}"]
        flags = [int(one.restarted), int(one.best), f"{one.seconds:.1f}"]
        writer.writerow([one.number, one.steps, *numbers, *flags, mean, *dice])
    return text.getvalue()


def draw(history: Sequence[Epoch], class_names: Sequence[str], path: Path) -> None:
    """Loss, Dice and learning rate against epochs, one above the other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    numbers = [one.number for one in history]
    figure = Figure(figsize=(8, 7))
    figure.subplots_adjust(left=0.1, right=0.98, top=0.98, bottom=0.07, hspace=0.08)
    FigureCanvasAgg(figure)
    loss, dice, rate = figure.subplots(3, sharex=True, height_ratios=(2, 2, 1))
    loss.plot(numbers, [one.loss for one in history], color="black")
    loss.set_ylabel("training loss")
    _draw_dice(dice, history, class_names)
    rate.plot(numbers, [one.learning_rate for one in history], color="black")
    rate.set(ylabel="learning rate", xlabel="epoch", yscale="log")
    rate.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, dice, rate):
        axes.grid(alpha=0.3)
        for one in history:
            if one.restarted:
                axes.axvline(one.number + 0.5, color="gray", linestyle=":", label="second step, from the best weights")
    if any(one.restarted for one in history):
        loss.legend(fontsize="small")
    with written_aside(path) as folder:
        figure.savefig(folder / path.name, dpi=100)


def _draw_dice(axes, history: Sequence[Epoch], class_names: Sequence[str]) -> None:
    numbers = [one.number for one in history]
    if not history[0].dice:
        axes.plot(numbers, [one.score for one in history], color="black")
        axes.set_ylabel("score (minus loss)")
        return
    if 1 < len(class_names) <= 10:
        for n, name in enumerate(class_names):
            axes.plot(numbers, [one.dice[n] for one in history], linewidth=0.8, label=name)
    axes.plot(numbers, [one.mean_dice for one in history], color="black", label="mean")
    best = [one for one in history if one.best]
    axes.plot(best[-1].number, best[-1].mean_dice, "o", color="black", markersize=8, label="best score")
    axes.set(ylabel="Dice, validation scans", ylim=(0, 1))
    axes.legend(loc="best", ncols=2, fontsize="small")
