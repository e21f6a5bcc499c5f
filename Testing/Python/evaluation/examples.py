"""Tasks and results made by hand."""

import dataclasses
from pathlib import Path

from SparseAnnotateLib.evaluation.datasets import LabelledCase
from SparseAnnotateLib.evaluation.grid.methods import Method
from SparseAnnotateLib.evaluation.grid.planner import Block, Planner, View
from SparseAnnotateLib.evaluation.grid.result import DONE, FAILED, Result, Selection


def selectors(*names):
    return tuple(Method("selector", name) for name in names)


def predictors(*names):
    return tuple(Method("predictor", name) for name in names)


def cases(count):
    return [LabelledCase(f"case{n}", Path(f"/data/{n}/image.nii"), Path(f"/data/{n}/labels.nii")) for n in range(count)]


def block(**changes):
    made = Block(selectors("keep-n", "random"), predictors("nearest", "shape"), (0.1, 0.2), views=(View("k"),))
    return dataclasses.replace(made, **changes)


def tasks(case_count=2, **changes):
    some = cases(case_count)
    return Planner({case.name: f"{n:032x}" for n, case in enumerate(some)}).tasks([block(**changes)], some)


def measured(dice, **more):
    """What a worker measures, with this Dice."""
    values = {"dice_all": dice, "dice_unpainted": dice / 2, "average_hausdorff_mm": 10 * (1 - dice), "assd_mm": 1.0}
    values |= {"hausdorff_mm": 5.0, "hausdorff95_mm": 4.0, "dice_per_class": {"1": dice, "2": dice}}
    values |= {"class_names": {"1": "liver", "2": "tumour"}, "axis": "k", "shape": [12, 16, 18]}
    values |= {"spacing_mm": [2.0, 1.0, 1.0], "range": [1, 10], "planes_painted": [2, 5], "crop": None}
    values |= {"expected_dice": None, "device": "cpu", "peak_memory_mb": 100.0}
    for what in ("select", "predict"):
        values |= {f"seconds_{what}": 0.5, f"processor_s_{what}": 0.4}
    return values | more


def done(task, dice=0.8, **more):
    return Result(task.key, DONE, measured(dice, **more), selection=Selection((2, 5), 0.5, 0.4), seconds=1.0)


def failed(task, message="it broke"):
    return Result(task.key, FAILED, message=message, seconds=1.0)
