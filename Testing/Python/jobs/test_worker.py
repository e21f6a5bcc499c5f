"""The worker process itself, and what becomes of it when things around it break."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from jobs.examples import PATIENCE_S, children_of_this_process, is_running, lines, tiny_job, wait_for
from SparseAnnotateLib import Prediction
from SparseAnnotateLib.jobs import JobFailedError, JobState, LocalRunner
from SparseAnnotateLib.jobs.failure import ExitCode
from SparseAnnotateLib.jobs.folder import JobFolder, write_job
from SparseAnnotateLib.jobs.locks import FileLock
from SparseAnnotateLib.jobs.process import interpreter
from SparseAnnotateLib.jobs.result import read_result, write_result


def start_worker(folder, *arguments, **more):
    command = [sys.executable, "-m", "SparseAnnotateLib.jobs.worker", str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def kinds(folder):
    return [json.loads(line)["kind"] for line in JobFolder(folder).events.read_text().splitlines()]


def test_events_go_to_the_standard_output_where_asked_and_nothing_else_does(tmp_path):
    write_job(tiny_job("test-curious"), tmp_path / "job")
    output, errors = start_worker(tmp_path / "job", "--stdout").communicate(timeout=PATIENCE_S)
    shown = [json.loads(line)["kind"] for line in output.splitlines()]
    assert [kind for kind in shown if kind != "heartbeat"] == ["started", "progress", "result"]
    assert "noise on the standard output" in errors
    assert [kind for kind in kinds(tmp_path / "job") if kind != "heartbeat"] == ["started", "progress", "result"]


def test_events_are_written_as_they_happen(tmp_path):
    write_job(tiny_job("test-staged", step_s=0.5), tmp_path / "job")
    worker = start_worker(tmp_path / "job", "--stdout")
    assert json.loads(worker.stdout.readline())["kind"] == "started"
    assert worker.poll() is None
    JobFolder(tmp_path / "job").request_stop()
    worker.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("predictor", "code"),
    [
        ("nearest", ExitCode.DONE),
        ("test-buggy", ExitCode.FAILED),
        ("test-choosy", ExitCode.INPUT),
        ("test-greedy", ExitCode.MEMORY),
    ],
)
def test_the_exit_code_says_how_it_went(tmp_path, predictor, code):
    write_job(tiny_job(predictor), tmp_path / "job")
    worker = start_worker(tmp_path / "job")
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == code
    assert JobFolder(tmp_path / "job").result.exists() == (code == ExitCode.DONE)


def test_a_stop_file_ends_the_worker(tmp_path):
    trace = tmp_path / "trace"
    write_job(tiny_job("test-staged", trace=str(trace), hold="prepare"), tmp_path / "job")
    worker = start_worker(tmp_path / "job")
    wait_for(lambda: lines(trace))
    JobFolder(tmp_path / "job").request_stop()
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.CANCELLED
    assert lines(trace) == ["began", "closed"]
    assert kinds(tmp_path / "job")[-1] == "cancelled"


def test_a_stop_file_that_is_there_first_ends_it_before_it_predicts(tmp_path):
    trace = tmp_path / "trace"
    write_job(tiny_job("test-staged", trace=str(trace)), tmp_path / "job").request_stop()
    worker = start_worker(tmp_path / "job")
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.CANCELLED
    assert not trace.exists()


def test_a_second_worker_leaves_the_job_to_the_first(tmp_path):
    folder = write_job(tiny_job(), tmp_path / "job")
    lock = FileLock(folder.worker_lock)
    assert lock.acquire()
    worker = start_worker(folder.path)
    _, errors = worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.INPUT
    assert "another worker already runs the job" in errors
    lock.release()


def test_a_folder_without_a_job_is_told(tmp_path):
    worker = start_worker(tmp_path)
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.INPUT
    assert "holds no job" in (tmp_path / "events.jsonl").read_text()


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    worker = start_worker(tmp_path / "nothing")
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.FOLDER


@pytest.mark.parametrize("predictor", ["test-stuck", "test-staged", "test-selfish"])
def test_a_worker_ends_with_whoever_started_it(tmp_path, predictor):
    """Also in the middle of a step, one that holds Python's lock too, and with its own children."""
    script = (
        "import sys, time; from jobs.examples import tiny_job; from SparseAnnotateLib.jobs import LocalRunner\n"
        f"handle = LocalRunner({str(tmp_path / 'jobs')!r}).submit(tiny_job({predictor!r}, "
        f"trace={str(tmp_path / 'trace')!r}, step_s=0.3, steps=100))\n"
        "while True:\n"
        "    handle.poll()\n"
        "    if any(event.kind == 'progress' for event in handle.events()): print(handle.pid, flush=True)\n"
        "    time.sleep(0.05)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    if predictor == "test-selfish":
        time.sleep(0.5)  # it takes Python's lock .3 s after it has said where it is
    else:
        child = wait_for(lambda: lines(tmp_path / "trace"))[0]
    parent.kill()
    parent.communicate()
    wait_for(lambda: not is_running(worker))
    if predictor == "test-stuck":
        wait_for(lambda: not is_running(int(child)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processor times are read from /proc")
def test_a_worker_that_computes_in_silence_beats_and_one_that_is_stopped_does_not(tmp_path):
    """The guardian tells slow from dead, while a C function holds Python's lock."""
    with LocalRunner(tmp_path / "jobs") as runner:
        handle = runner.submit(tiny_job("test-selfish"))
        wait_for(lambda: handle.poll() and any(one.fraction == 0.5 for one in handle.events()))
        beats = []
        wait_for(lambda: (handle.poll() and beats.extend(handle.events())) or len(beats) >= 3)
        assert {(one.kind, one.stage, one.fraction) for one in beats} == {("heartbeat", "selfish", 0.5)}
        times = [one.elapsed_s for one in beats]
        assert times == sorted(times)
        assert times[-1] - times[0] > 1
        os.kill(handle.pid, signal.SIGSTOP)
        # Beats come twice a second, and the last one may be on its way.
        wait_for(lambda: handle.poll() and handle.silence_s > 1.5)
        handle.events()
        handle.wait(0.5)
        assert handle.events() == []
        os.kill(handle.pid, signal.SIGCONT)
        wait_for(lambda: handle.poll() and handle.events())


def test_the_guardian_ends_with_a_worker_that_is_killed(tmp_path):
    with LocalRunner(tmp_path / "jobs") as runner:
        handle = runner.submit(tiny_job("test-staged", step_s=0.2, steps=1000))
        wait_for(lambda: handle.poll() and handle.pid and handle.events())
        guardians = [int(pid) for pid in lines_of_children(handle.pid)]
        assert len(guardians) == 1
        os.kill(handle.pid, signal.SIGKILL)
        wait_for(lambda: not is_running(guardians[0]))


def lines_of_children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def test_an_input_that_a_launcher_closes_is_no_reason_to_end(tmp_path):
    write_job(tiny_job("test-staged", step_s=0.2), tmp_path / "job")
    worker = start_worker(tmp_path / "job", "--parent", str(os.getpid()), stdin=subprocess.DEVNULL)
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == ExitCode.DONE


def test_the_interpreter_is_slicers_inside_slicer_and_ours_outside(monkeypatch):
    monkeypatch.delitem(sys.modules, "slicer", raising=False)
    assert interpreter() == sys.executable
    monkeypatch.setitem(sys.modules, "slicer", object())
    monkeypatch.setattr("shutil.which", {"PythonSlicer": "/opt/Slicer/bin/PythonSlicer"}.get)
    assert interpreter() == "/opt/Slicer/bin/PythonSlicer"
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert interpreter() == sys.executable


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield path
    # A process that was killed a moment ago may still be closing its files.
    wait_for(lambda: subprocess.run(["umount", path], capture_output=True, check=False).returncode == 0)


def test_a_disk_too_full_for_the_result_is_told_and_left_as_it_was(small_disk):
    with LocalRunner(small_disk) as runner:
        handle = runner.submit(tiny_job("test-rich", megabytes=8))
        assert handle.wait(PATIENCE_S) is JobState.FAILED
        with pytest.raises(JobFailedError, match="the disk is full") as caught:
            handle.result()
        assert caught.value.reason == "folder"
        assert runner.submit(tiny_job()).wait(PATIENCE_S) is JobState.FINISHED
    assert not any(small_disk.iterdir())


def test_a_disk_too_full_for_the_job_is_told_and_left_as_it_was(small_disk):
    with open(small_disk / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))
    with LocalRunner(small_disk) as runner:
        handle = runner.submit(tiny_job())
        assert handle.wait(PATIENCE_S) is JobState.FAILED
        with pytest.raises(JobFailedError, match="the disk is full"):
            handle.result()
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_result_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    prediction = Prediction(tiny_job().annotation.labels)
    with pytest.raises(OSError, match="No space left"):
        write_result(prediction, tmp_path / "result.npz")
    assert not any(tmp_path.iterdir())


def test_a_result_is_never_replaced_by_half_of_another(tmp_path, monkeypatch):
    first = Prediction(tiny_job().annotation.labels, expected_dice=0.5)
    write_result(first, tmp_path / "result.npz")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write_result(Prediction(first.labels, expected_dice=0.9), tmp_path / "result.npz")
    assert read_result(tmp_path / "result.npz").expected_dice == 0.5


@pytest.mark.slow
def test_killing_the_worker_a_hundred_times_leaves_nothing(tmp_path):
    """At random moments from its first instruction to after its end: no half result, no zombie, no folder."""
    before = children_of_this_process()
    moments = random.Random(7)
    job = tiny_job("test-rich", megabytes=2)
    states = []
    with LocalRunner(tmp_path / "jobs") as runner:
        for number in range(100):
            handle = runner.submit(job)
            wait_for(lambda handle=handle: handle.poll() and handle.pid)
            if number % 20 == 0:
                # One is killed after its end, and says how long it takes one to live on this machine now.
                start = time.monotonic()
                wait_for(lambda handle=handle: not is_running(handle.pid))
                lifetime_s = time.monotonic() - start
            else:
                time.sleep(moments.uniform(0.0, 1.2 * lifetime_s))
            os.kill(handle.pid, signal.SIGKILL)
            wait_for(lambda handle=handle: not is_running(handle.pid))
            if (handle.folder / "result.npz").exists():
                assert read_result(handle.folder / "result.npz").details["nested"]["value"] == 0.5
            states.append(handle.wait(PATIENCE_S))
            handle.close()
    assert len(list((tmp_path / "jobs").iterdir())) == 0
    assert children_of_this_process() <= before
    assert {JobState.FAILED, JobState.FINISHED} == set(states), "the moments should cover the life of a worker"
