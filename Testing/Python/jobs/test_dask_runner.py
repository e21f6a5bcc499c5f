import os
import signal

import numpy as np
import pytest
from jobs.examples import PATIENCE_S, lines, tiny_job, wait_for
from jobs.runner_tester import ProcessRunnerTester
from SparseAnnotateLib import InputError, SparseAnnotation, Volume
from SparseAnnotateLib.jobs import Job, JobFailedError, JobState

pytest.importorskip("distributed", reason="the Dask runner needs the extra 'cluster'")

from SparseAnnotateLib.jobs.dask.runner import DaskRunner


@pytest.fixture(scope="module")
def cluster(misbehaving_predictors):  # noqa: ARG001 - before the workers start
    """Two workers, started once: it takes three seconds."""
    with DaskRunner(workers=2) as runner:
        yield runner


class TestDaskRunner(ProcessRunnerTester):
    @pytest.fixture
    def runner(self, cluster):
        yield cluster
        for handle in list(cluster._handles):
            handle.close()
        cluster.client.wait_for_workers(2, timeout=PATIENCE_S)

    def test_a_job_whose_worker_is_killed_is_done_by_another(self, runner, tmp_path):
        trace = tmp_path / "trace"
        handles = [runner.submit(tiny_job("test-dying-once", trace=str(trace)))]
        handles += [runner.submit(tiny_job("test-staged", step_s=0.05)) for _ in range(5)]
        for handle in handles:
            self.finish(handle)
            assert handle.result().labels.any()
        first, second = lines(trace)
        assert first != second

    def test_a_worker_killed_from_outside_costs_no_job(self, runner):
        handles = [runner.submit(tiny_job("test-staged", step_s=0.1)) for _ in range(4)]
        self.wait_for_stage(handles[0], "learn")
        pids = runner.client.run(os.getpid)
        os.kill(pids[handles[0].worker], signal.SIGKILL)
        for handle in handles:
            self.finish(handle)

    @pytest.mark.slow
    def test_a_job_that_ends_every_worker_is_given_up_and_told(self, runner):
        handle = runner.submit(tiny_job("test-crashing"))
        self.finish(handle, JobState.FAILED)
        with pytest.raises(JobFailedError, match="the job ended every Dask worker that tried it") as caught:
            handle.result()
        assert caught.value.reason == "crash"
        self.finish(runner.submit(tiny_job()))

    def test_workers_keep_to_their_share_of_the_threads(self, runner):
        limits = runner.client.run(os.environ.get, "OMP_NUM_THREADS")
        assert set(limits.values()) == {str(max(1, os.cpu_count() // 2))}

    def test_another_version_on_the_workers_is_refused(self, runner, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.__version__", "99.0")
        handle = self.finish(runner.submit(tiny_job()), JobState.FAILED)
        with pytest.raises(InputError, match=r"we have 99\.0: install the same one"):
            handle.result()

    def test_a_worker_that_remembers_sketches_the_plane_in_view_and_gives_the_same(self, runner, monkeypatch):
        rng = np.random.default_rng(0)
        labels = np.zeros((14, 30, 30), np.uint8)
        labels[:, 10:20, 8:22] = 1
        volume = Volume.from_array((60 * labels + rng.normal(0, 20, labels.shape)).astype(np.float32))
        painted = [0, 3, 6, 9, 13]
        results, sketched = {}, {}
        for memory_bytes in (0, 1 << 28):
            monkeypatch.setattr(runner, "_memory_bytes", memory_bytes)
            # Of three jobs on two workers, one of them does two.
            jobs = [Job("guided", volume, SparseAnnotation.from_painted_planes(labels, painted), in_view=6)] * 3
            handles = [self.finish(runner.submit(job)) for job in jobs]
            results[memory_bytes] = [handle.result().labels.tobytes() for handle in handles]
            shown = [(event.stage, event.preview) for handle in handles for event in handle.events()]
            sketched[memory_bytes] = [stage for stage, preview in shown if preview and stage == "comparing planes"]
        assert len(set(results[0] + results[1 << 28])) == 1
        assert not sketched[0]
        assert sketched[1 << 28]

    def test_the_scheduler_forgets_what_was_delivered_and_what_was_cancelled(self, runner):
        finished = self.finish(runner.submit(tiny_job()))
        finished.result()
        cancelled = runner.submit(tiny_job("test-staged", step_s=0.1))
        cancelled.close()
        finished.close()

        def tasks(dask_scheduler):
            return len(dask_scheduler.tasks)

        wait_for(lambda: runner.client.run_on_scheduler(tasks) == 0)


def test_an_address_without_a_scheduler_is_told(monkeypatch):
    monkeypatch.setattr("SparseAnnotateLib.jobs.dask.runner.CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: check the address"):
        DaskRunner("tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_told(monkeypatch):
    from distributed import LocalCluster

    # To be answered takes a few ms, so long only where the machine does much else.
    monkeypatch.setattr("SparseAnnotateLib.jobs.dask.runner.CONNECT_TIMEOUT_S", 5)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(InputError, match="has no workers"),
    ):
        DaskRunner(empty.scheduler_address)


def test_a_scheduler_that_is_gone_is_told(monkeypatch):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as lost:
        runner = DaskRunner(lost.scheduler_address)
        monkeypatch.setattr("SparseAnnotateLib.jobs.dask.runner.CONNECT_TIMEOUT_S", 1)
        handle = runner.submit(tiny_job("test-staged", hold="prepare"))
        wait_for(lambda: handle.poll() is JobState.RUNNING)
    assert handle.wait(PATIENCE_S) is JobState.FAILED
    with pytest.raises(JobFailedError, match="the Dask scheduler does not answer any more: start it again"):
        handle.result()
    runner.close()
