import os
import time

import pytest
from jobs.examples import PATIENCE_S, tiny_job, wait_for
from SparseAnnotateLib import InputError
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.jobs import JobState, LocalRunner
from SparseAnnotateLib.jobs.folder import write_job
from SparseAnnotateLib.jobs.locks import FileLock, is_locked
from SparseAnnotateLib.jobs.store import clear, default_root, stored_jobs


@pytest.fixture
def root(tmp_path):
    return tmp_path / "jobs"


def test_a_running_job_is_listed_and_never_removed(root):
    with LocalRunner(root) as runner:
        handle = runner.submit(tiny_job("test-staged", "my scan", step_s=0.2))
        wait_for(lambda: handle.poll() is JobState.RUNNING and handle.events())
        (job,) = stored_jobs(root)
        assert (job.name, job.predictor, job.state) == ("my scan", "test-staged", "in use")
        assert clear(root) == []
        assert handle.wait(PATIENCE_S) is JobState.FINISHED
        assert clear(root) == [], "its owner has not read the result yet"
        assert handle.result().labels.any()


def test_the_worker_alone_keeps_its_folder(root):
    folder = write_job(tiny_job(), root / "job-1")
    lock = FileLock(folder.worker_lock)
    lock.acquire()
    assert clear(root) == []
    lock.release()
    assert [job.path for job in clear(root)] == [folder.path]
    assert list(root.iterdir()) == []


def test_what_was_abandoned_is_removed_once_it_is_old_enough(root):
    folder = write_job(tiny_job(), root / "job-1")
    assert [job.state for job in stored_jobs(root)] == ["abandoned"]
    assert clear(root, older_than_s=3600) == []
    past = time.time() - 7200
    for path in folder.path.iterdir():
        os.utime(path, (past, past))
    assert len(clear(root, older_than_s=3600)) == 1


def test_a_damaged_folder_is_removed_and_what_is_no_job_is_not(root):
    (root / "job-broken").mkdir(parents=True)
    (root / "job-broken" / "job.json").write_text("{")
    (root / "my data").mkdir()
    (root / "job-notes.txt").write_text("mine")
    assert [job.path.name for job in clear(root)] == ["job-broken"]
    assert sorted(path.name for path in root.iterdir()) == ["job-notes.txt", "my data"]


def test_the_folder_of_jobs_is_private(monkeypatch, tmp_path):
    monkeypatch.delenv("SPARSE_ANNOTATE_JOBS", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert default_root().stat().st_mode & 0o777 == 0o700


def test_a_folder_of_jobs_that_somebody_else_made_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("SPARSE_ANNOTATE_JOBS", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    mine = default_root()
    monkeypatch.setattr("os.getuid", lambda: 12345)
    mine.rename(tmp_path / "sparse-annotate-jobs-12345")
    with pytest.raises(InputError, match="belongs to somebody else: set SPARSE_ANNOTATE_JOBS"):
        default_root()


def test_a_lock_is_exclusive_and_ends_with_its_release(tmp_path):
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
    assert lock.acquire()
    assert is_locked(tmp_path / "lock")
    assert not other.acquire()
    lock.release()
    assert other.acquire()
    other.release()


def test_the_command_line_lists_and_clears(root, capsys):
    write_job(tiny_job(name="my scan"), root / "job-1")
    assert main(["jobs", "list", "--folder", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "abandoned" in shown
    assert "my scan" in shown
    assert main(["jobs", "clear", "--folder", str(root), "--older-than", "1"]) == 0
    assert "removed 0 jobs" in capsys.readouterr().err
    assert main(["jobs", "clear", "--folder", str(root)]) == 0
    assert "removed 1 job (" in capsys.readouterr().err
    assert main(["jobs", "list", "--folder", str(root)]) == 0
    assert "no jobs in" in capsys.readouterr().err
