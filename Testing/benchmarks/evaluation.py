"""How fast an evaluation is: the report of 10,000 results, and two workers of a Dask cluster against one process.

python Testing/benchmarks/evaluation.py report
python Testing/benchmarks/evaluation.py dask ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from SparseAnnotateLib import Volume
from SparseAnnotateLib.evaluation.datasets import LabelledCase, find_labelled_cases
from SparseAnnotateLib.evaluation.evaluate import execute, open_pool, plan
from SparseAnnotateLib.evaluation.grid.methods import Method
from SparseAnnotateLib.evaluation.grid.planner import Block, Planner, View
from SparseAnnotateLib.evaluation.grid.result import DONE, Result
from SparseAnnotateLib.evaluation.grid.store import ResultStore
from SparseAnnotateLib.evaluation.report import write_report
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase
from SparseAnnotateLib.evaluation.tasks.shown import pack_planes

QUICK = ("nearest", "shape")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    report = commands.add_parser("report", help="10,000 made-up results")
    report.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the report there")
    report.set_defaults(run=time_report)
    dask = commands.add_parser("dask", help="200 quick tasks")
    dask.add_argument("data", type=Path)
    dask.add_argument("--images", default="MSD*/image.nii.gz")
    dask.add_argument("--labels", default="MSD*/label.nii.gz")
    dask.add_argument("--tasks", type=int, default=200)
    dask.set_defaults(run=time_dask)
    given = parser.parse_args()
    given.run(given)


def time_report(given) -> None:
    """50 cases, 5 selectors, 5 predictors, 4 fractions, 2 seeds: 10,000 results."""
    with tempfile.TemporaryDirectory() as folder:
        folder = given.keep or Path(folder)
        folder.mkdir(exist_ok=True)
        store = ResultStore(folder / "results.sqlite")
        fill(store)
        start = time.perf_counter(), time.process_time()
        write_report(store, folder)
        took = time.perf_counter() - start[0], time.process_time() - start[1]
        size = (folder / "report.html").stat().st_size
        print(f"{len(store.rows())} results: {took[0]:.1f} s by the clock, {took[1]:.1f} s of the processor")
        print(f"page {size / 1e6:.2f} MB, store {store.path.stat().st_size / 1e6:.1f} MB")
        store.close()


def fill(store: ResultStore) -> None:
    """Results with made-up numbers, and pictures as a real case has them."""
    names = [f"case{number:03d}" for number in range(50)]
    cases = [LabelledCase(name, Path(f"{name}.nii.gz"), Path(f"{name}_seg.nii.gz")) for name in names]
    selectors = tuple(Method("selector", name) for name in ("keep-n", "random", "kmeans", "histogram", "ssim"))
    predictors = tuple(Method("predictor", name) for name in ("nearest", "shape", "morphology", "guided", "unet"))
    block = Block(selectors, predictors, (0.05, 0.1, 0.2, 0.5), (0, 1), (View("k"),))
    rng = np.random.default_rng(0)
    shown = a_picture()
    # One by one each waits for the disk, which is not what is measured here.
    store._database.execute("PRAGMA synchronous = OFF")
    for task in Planner({name: f"{number:032x}" for number, name in enumerate(names)}).tasks([block], cases):
        store.add(task, Result(task.key, DONE, measured(task, rng), shown=shown, seconds=1.0))
    store._database.execute("PRAGMA synchronous = FULL")


def measured(task, rng) -> dict:
    dice = float(np.clip(0.6 + 0.6 * task.fraction + 0.05 * rng.standard_normal(), 0, 1))
    values = {"dice_all": dice, "dice_unpainted": dice - 0.02, "average_hausdorff_mm": 3 * (1 - dice)}
    values |= {"assd_mm": 1 - dice, "hausdorff_mm": 9.0, "hausdorff95_mm": 4.0, "expected_dice": dice - 0.01}
    values |= {
        "dice_per_class": {str(n): dice for n in range(1, 6)},
        "class_names": {str(n): f"organ {n}" for n in range(1, 6)},
    }
    values |= {"axis": "k", "shape": [155, 240, 240], "spacing_mm": [1.0, 1.0, 1.0], "range": [10, 140], "crop": None}
    values |= {"planes_painted": list(range(10, 140, 5)), "device": "cpu", "peak_memory_mb": 900.0}
    return values | {f"{what}_{which}": 1.0 for what in ("seconds", "processor_s") for which in ("select", "predict")}


def a_picture() -> bytes:
    planes, rows, columns = np.ogrid[:40, :120, :120]
    reference = ((rows - 60) ** 2 + (columns - 60) ** 2 < (50 - planes) ** 2).astype(np.uint8)
    case = LoadedCase(Volume.from_array(reference.astype(np.float32)), SimulatedExpert(reference))
    return pack_planes(case, np.roll(reference, 3, axis=1), [5, 20, 35])


def time_dask(given) -> None:
    """The same tasks by one worker process, and by a local cluster of two; starting them is not counted."""
    from SparseAnnotateLib.evaluation.pools.dask import DaskPool

    cases = find_labelled_cases(given.data, images=given.images, labels=given.labels)
    found = {}
    for pool_name in ("one process", "Dask, 2 workers"):
        with tempfile.TemporaryDirectory() as folder:
            store = ResultStore(Path(folder) / "results.sqlite")
            tasks = plan(store, cases, [quick_block(given.tasks, len(cases))], retry_failed=False).missing[
                : given.tasks
            ]
            pool = open_pool(1, None, tasks) if pool_name == "one process" else DaskPool(workers=2)
            with pool:
                warm_up(pool, [next(task for task in tasks if task.predictor.name == name) for name in QUICK])
                start = time.perf_counter()
                progress = execute(tasks, store, pool)
                found[pool_name] = time.perf_counter() - start
            store.close()
        print(
            f"{pool_name}: {progress.done} tasks done, {progress.failed} failed in {found[pool_name]:.1f} s", flush=True
        )
    ratio = found["one process"] / found["Dask, 2 workers"]
    print(json.dumps({"ratio": round(ratio, 2), **{name: round(seconds, 2) for name, seconds in found.items()}}))


def quick_block(tasks: int, cases: int) -> Block:
    predictors = tuple(Method("predictor", name) for name in QUICK)
    seeds = tuple(range(-(-tasks // (cases * 2 * 4))))
    return Block((Method("selector", "random"),), predictors, (0.1, 0.2, 0.33, 0.5), seeds, (View("k"),))


def warm_up(pool, tasks) -> None:
    """Every worker imports what it needs: an imported library is no throughput."""
    for task in tasks:
        for worker in pool.workers:
            pool.send(worker, task)
        pool.flush()
        for _ in pool.workers:
            while pool.receive(1.0) is None:
                pass


if __name__ == "__main__":
    sys.exit(main())
