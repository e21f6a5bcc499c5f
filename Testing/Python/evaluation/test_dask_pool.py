"""The same tasks on the workers of a Dask cluster."""

import os
import signal

import pytest
from evaluation.examples import predictors, selectors
from SparseAnnotateLib import InputError
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.evaluate import execute, plan
from SparseAnnotateLib.evaluation.grid.planner import Block, View
from SparseAnnotateLib.evaluation.grid.store import ResultStore

pytest.importorskip("distributed", reason="a Dask cluster needs the extra 'cluster'")

from SparseAnnotateLib.evaluation.pools.dask import DaskPool


@pytest.fixture(scope="module")
def cluster():
    """Two workers, started once."""
    from SparseAnnotateLib.jobs.dask.cluster import local_cluster

    with local_cluster(2) as running:
        yield running.scheduler_address


@pytest.fixture
def work(folder_set, tmp_path):
    """A store, the cases, and tasks that are missing in it."""
    store = ResultStore(tmp_path / "results.sqlite")
    cases = find_labelled_cases(folder_set)
    grid = Block(selectors("keep-n", "random"), predictors("nearest"), (0.2, 0.5), (0, 1, 2), (View("k"),))
    yield store, plan(store, cases, [grid], retry_failed=False).missing
    store.close()


def files(tasks):
    return sorted({path for task in tasks for path in (task.case.image, task.case.labels)})


def test_a_cluster_does_all_tasks(cluster, work):
    store, tasks = work
    with DaskPool(cluster, files=files(tasks)) as pool:
        assert len(pool.workers) == 2
        progress = execute(tasks, store, pool)
    assert (progress.done, progress.failed) == (len(tasks), 0)
    assert len(store.rows()) == len(tasks) == 36


def test_a_worker_that_is_killed_costs_no_result(cluster, work):
    store, tasks = work
    killed = []

    with DaskPool(cluster) as pool:

        def kill_one(progress, *_):
            if progress.done == 3 and not killed:
                killed.extend(pool._client.run(os.getpid).values())
                os.kill(killed[0], signal.SIGKILL)

        progress = execute(tasks, store, pool, on_progress=kill_one)
        pool._client.wait_for_workers(2, timeout=60)
    assert killed
    assert progress.done == len(tasks)


def test_files_that_a_worker_does_not_see_are_told(cluster, tmp_path):
    with pytest.raises(InputError, match="does not see all files of the data set"):
        DaskPool(cluster, files=[tmp_path / "nowhere.nii.gz"])


def test_another_version_on_a_worker_is_told(cluster, monkeypatch):
    monkeypatch.setattr("SparseAnnotateLib.__version__", "99.0")
    with pytest.raises(InputError, match=r"we have 99\.0: install the same versions"):
        DaskPool(cluster)
