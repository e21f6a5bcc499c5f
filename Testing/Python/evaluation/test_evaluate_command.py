"""`sparse-annotate evaluate` as a researcher meets it: started, stopped, killed, started again, twice at once."""

import contextlib
import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from SparseAnnotateLib.cli import build_parser, main
from SparseAnnotateLib.commands.evaluate import blocks
from SparseAnnotateLib.jobs.process import thread_limits

QUICK = ["--selectors", "keep-n", "random", "--predictors", "nearest", "--fractions", "0.2", "0.5"]


def evaluate(data, folder, *more):
    return main(["evaluate", str(data), "-o", str(folder), "--workers", "1", "--quiet", *more])


def start(data, folder, *more, **streams):
    command = [
        sys.executable,
        "-m",
        "SparseAnnotateLib.cli",
        "evaluate",
        str(data),
        "-o",
        str(folder),
        "--workers",
        "1",
    ]
    return subprocess.Popen([*command, *more], env={**os.environ, **thread_limits(1)}, **streams)


def finished(folder):
    """Key and time of every result that is done."""
    path = folder / "results.sqlite"
    if not path.exists():
        return {}
    with contextlib.closing(sqlite3.connect(path, timeout=600)) as database:
        try:
            return dict(database.execute("SELECT key, finished_at FROM results WHERE state = 'done'"))
        except sqlite3.OperationalError:  # the tables are just being made
            return {}


def wait_until(condition, process=None, patience_s=600.0):
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it took too long"
        assert process is None or process.poll() is None, "it ended"
        time.sleep(0.01)


def test_a_data_set_is_evaluated_and_reported_and_a_second_run_does_nothing(folder_set, tmp_path, capsys):
    folder = tmp_path / "out"
    assert evaluate(folder_set, folder, *QUICK) == 0
    assert "12 results, 0 failed" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} >= {"report.html", "report.md", "results.csv", "means.csv"}
    before = finished(folder)
    assert len(before) == 12
    assert evaluate(folder_set, folder, *QUICK) == 0
    assert finished(folder) == before
    assert evaluate(folder_set, folder, *QUICK, "--seeds", "0", "1") == 0
    after = finished(folder)
    assert len(after) == 24
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("layout", ["decathlon_set", "nnunet_set", "table_set"])
def test_every_layout_can_be_evaluated(layout, request, tmp_path):
    data = request.getfixturevalue(layout)
    assert evaluate(data, tmp_path / "out", "--predictors", "nearest", "--fractions", "0.3", "--classes", "tumour") == 0
    assert "tumour" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_what_fails_is_named_and_tried_again_only_if_asked_for(folder_set, tmp_path, capsys):
    folder, labels = tmp_path / "out", folder_set / "case1" / "labels.nii.gz"
    whole = labels.read_bytes()
    labels.write_bytes(b"nonsense")
    stat = labels.stat()
    asked = ["--predictors", "nearest", "--fractions", "0.2"]
    assert evaluate(folder_set, folder, *asked) == 1
    assert "2 results, 1 failed" in capsys.readouterr().out
    assert "case1/labels.nii.gz" in (folder / "report.md").read_text(encoding="utf-8")
    assert evaluate(folder_set, folder, *asked) == 1
    assert evaluate(folder_set, folder, *asked, "--retry-failed") == 1
    labels.write_bytes(whole)
    assert labels.stat().st_size != stat.st_size
    assert evaluate(folder_set, folder, *asked) == 0
    assert "3 results, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_grid_file_is_read_as_windows_saves_it(folder_set, tmp_path, encoding):
    grid = tmp_path / "grid.json"
    block = [{"selectors": ["keep-n"], "predictors": ["nearest"], "fractions": [0.3]}]
    grid.write_bytes(json.dumps(block).replace(",", ",\r\n").encode(encoding))
    assert evaluate(folder_set, tmp_path / "out", "--grid", str(grid), "--limit", "1") == 0


def test_a_grid_file_is_done_block_by_block(folder_set, tmp_path, capsys):
    grid = tmp_path / "grid.json"
    blocks = [{"selectors": ["full"], "predictors": ["shape"]}, {"axes": ["i", "k"], "predictors": ["nearest"]}]
    grid.write_text(json.dumps(blocks), encoding="utf-8")
    assert evaluate(folder_set, tmp_path / "out", "--grid", str(grid), "--limit", "1", "--fractions", "0.3") == 0
    assert "3 results" in capsys.readouterr().out
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "Given all planes" in report
    assert "axis i" in report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--selectors", "nonsense"], "there is no selector 'nonsense'"),
        (["--fractions", "20"], "the fraction is 20"),
        (["--workers", "0"], "--workers 0"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--workers starts processes here"),
        (["--class-names", "liver"], "--class-names: 'liver' names no class"),
        (["--images", "*.nii"], "--images and --labels belong together"),
        (["--report-only"], "holds no result yet"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_done_is_said_in_a_sentence(folder_set, tmp_path, capsys, arguments, message):
    assert evaluate(folder_set, tmp_path / "out", *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--selectors", "nonsense"],
        ["--fractions", "20"],
        ["--fractions", "0.2,-1"],
        ["--predictors", "nearest:nonsense=1"],
        ["--grid", "nothing.json"],
    ],
    ids=lambda value: " ".join(value),
)
def test_a_grid_that_is_refused_leaves_no_folder_behind(folder_set, tmp_path, arguments):
    assert evaluate(folder_set, tmp_path / "out", *arguments) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="a POSIX signal")
def test_ctrl_c_stops_at_once_and_keeps_what_is_done(folder_set, tmp_path):
    folder = tmp_path / "out"
    more = ["--predictors", "nearest", "--fractions", "0.2", "0.5", "--seeds", *map(str, range(300))]
    process = start(folder_set, folder, *more, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(finished(folder)) > 3, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "what is done is kept" in said
    assert "Traceback" not in said
    count = len(finished(folder))
    assert 3 < count < 1800
    time.sleep(0.5)
    assert len(finished(folder)) == count, "a worker went on"


@pytest.mark.slow
def test_killed_twenty_times_no_finished_result_is_lost_and_none_is_doubled(folder_set, tmp_path):
    folder, chance = tmp_path / "out", random.Random(0)
    grid = ["--selectors", "keep-n", "random", "--predictors", "nearest", "--fractions", "0.2", "0.5"]
    grid += ["--seeds", *map(str, range(25)), "--quiet"]
    known = {}
    for kill in range(20):
        process = start(folder_set, folder, *grid, stdout=subprocess.DEVNULL)
        wanted = len(known) + chance.randint(1, 10) if kill % 2 else 0
        # Now in the middle of the work, now a moment after the start.
        wait_until(lambda: len(finished(folder)) >= wanted, process)  # noqa: B023 - called at once
        time.sleep(chance.random() * (0.02 if wanted else 0.8))
        process.kill()
        process.wait()
        now = finished(folder)
        assert now.items() >= known.items()
        known = now
    assert 0 < len(known) < 300
    process = start(folder_set, folder, *grid, stdout=subprocess.DEVNULL)
    assert process.wait(timeout=600) == 0
    now = finished(folder)
    assert now.items() >= known.items()
    assert len(now) == 300
    with contextlib.closing(sqlite3.connect(folder / "results.sqlite")) as database:
        cells = database.execute(
            "SELECT count(*) FROM (SELECT DISTINCT case_name, selector, predictor, fraction, seed FROM results)"
        )
        assert cells.fetchone() == (300,)
        assert database.execute("SELECT count(*) FROM claims").fetchone() == (0,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_two_processes_share_the_work_of_one_file(folder_set, tmp_path):
    folder = tmp_path / "out"
    grid = ["--predictors", "nearest", "--fractions", "0.2", "0.5", "--seeds", *map(str, range(40))]
    pair = [start(folder_set, folder, *grid, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    assert len(finished(folder)) == 240
    with contextlib.closing(sqlite3.connect(folder / "results.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM claims").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM owners").fetchone() == (0,)


DEADLY = """
import os
from SparseAnnotateLib.predictors.base import PREDICTORS, Prediction, PredictorBase

@PREDICTORS.register
class Deadly(PredictorBase):
    name = "test-deadly"
    summary = "ends its process if the seed is 1"

    def _predict(self, volume, annotation):
        if self.options.seed == 1:
            os._exit(7)
        yield Prediction(annotation.labels.copy())
"""


def test_a_predictor_that_ends_its_worker_costs_its_own_tasks_alone(folder_set, tmp_path, monkeypatch):
    (tmp_path / "deadly_predictor.py").write_text(DEADLY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SPARSE_ANNOTATE_PLUGINS", "deadly_predictor")
    folder = tmp_path / "out"
    process = start(folder_set, folder, "--predictors", "test-deadly", "--fractions", "0.2", "--seeds", "0", "1", "2")
    assert process.wait(timeout=600) == 1
    with contextlib.closing(sqlite3.connect(folder / "results.sqlite")) as database:
        rows = database.execute("SELECT seed, state, message FROM results ORDER BY seed").fetchall()
    reason = "the worker process ended by itself (exit code 7)"
    assert rows == [(0, "done", "")] * 3 + [(1, "failed", reason)] * 3 + [(2, "done", "")] * 3


class TestFromASegmentation:
    def test_what_a_program_made_leads_where_it_is_right(self, folder_set, tmp_path):
        rough = tmp_path / "rough"
        for labels in folder_set.rglob("labels.nii.gz"):
            rough.mkdir(exist_ok=True)
            (rough / f"{labels.parent.name}.nii.gz").write_bytes(labels.read_bytes())
        cells = ["--selectors", "keep-n", "--predictors", "nearest", "--fractions", "0.2"]
        assert evaluate(folder_set, tmp_path / "alone", *cells) == 0
        assert evaluate(folder_set, tmp_path / "from", *cells, "--initial", str(rough)) == 0
        assert min(_dice(tmp_path / "from")) > 0.99 > max(_dice(tmp_path / "alone"))

    def test_a_case_that_has_none_is_named_and_nothing_is_left(self, folder_set, tmp_path, capsys):
        assert evaluate(folder_set, tmp_path / "out", *QUICK, "--initial", str(tmp_path)) == 2
        assert "has no segmentation for" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_of_an_older_evaluation_everything_is_left(self, folder_set, tmp_path):
        cells = ["--selectors", "keep-n", "--predictors", "nearest", "--fractions", "0.2"]
        assert evaluate(folder_set, tmp_path / "out", *cells) == 0
        before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
        assert evaluate(folder_set, tmp_path / "out", *cells, "--initial", str(tmp_path / "nowhere")) == 2
        assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()} == before

    def test_a_grid_may_name_the_folder_beside_where_it_is_run(self, folder_set, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("grid.json").write_text('[{"initial": "rough"}]', encoding="utf-8")
        parser = build_parser()
        arguments = parser.parse_args(["evaluate", str(folder_set), "-o", "out", "--grid", "grid.json"])
        assert [view.initial for block in blocks(arguments) for view in block.views] == [str(tmp_path / "rough")]


def _dice(folder):
    with (folder / "results.csv").open(encoding="utf-8") as file:
        return [float(row["dice_all"]) for row in csv.DictReader(file)]
