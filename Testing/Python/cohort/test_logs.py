"""What a training writes while it runs."""

import csv
import itertools
import math
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.cohort.training.logs import PICTURE, TABLE, Epoch, TrainingLog, table

NAN = float("nan")


def an_epoch(number, *, dice=(0.5, NAN), restarted=False):
    return Epoch(number, 4 * number, 1 / number, 0.4 + number / 100, dice, 5e-4, restarted, True, 1.5 * number)


def test_an_epoch_survives_json():
    epoch = an_epoch(3)
    again = Epoch.from_dict(epoch.to_dict())
    assert again.dice[0] == 0.5
    assert math.isnan(again.dice[1])
    assert again.mean_dice == 0.5


def test_the_table_has_a_line_an_epoch_and_no_number_for_an_absent_structure():
    rows = list(csv.DictReader(table([an_epoch(1), an_epoch(2)], ["liver", "tumour"]).splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert rows[1]["steps"] == "8"
    assert rows[1]["loss"] == "0.500000"
    assert (rows[0]["dice liver"], rows[0]["dice tumour"]) == ("0.5000", "")


def test_without_validation_the_table_has_empty_columns():
    (row,) = csv.DictReader(table([an_epoch(1, dice=())], ["liver"]).splitlines())
    assert (row["mean_dice"], row["dice liver"]) == ("", "")


@pytest.mark.parametrize("dice", [(0.5, 0.7), ()])
def test_a_picture_is_there_at_the_end(tmp_path, dice):
    log = TrainingLog(tmp_path, ["liver", "tumour"])
    for number in (1, 2, 3):
        log.add(an_epoch(number, dice=dice, restarted=number == 2))
    log.close()
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / TABLE).read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize("writers_before", [0, 9, 99])
def test_tensorboard_reads_the_curves_and_forgets_what_a_killed_run_wrote_beyond_its_checkpoint(
    tmp_path, monkeypatch, writers_before
):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.summary.writer import event_file_writer

    # Files are sorted by their names: the second, the process, and how many writers it had, 10 before 9. A training is
    # resumed in another second, by another process; here it would be the same one.
    seconds = itertools.count(1_700_000_000)
    monkeypatch.setattr(event_file_writer, "time", SimpleNamespace(time=lambda: float(next(seconds))))
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(writers_before))
    killed = TrainingLog(tmp_path, ["liver", "tumour"])
    for number in (1, 2, 3):
        killed.add(an_epoch(number))
    resumed = TrainingLog(tmp_path, ["liver", "tumour"], killed.history[:1])
    resumed.add(an_epoch(2, dice=(0.9, NAN)))
    resumed.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert "dice/tumour" not in events.Tags()["scalars"]
    liver = [(one.step, round(one.value, 3)) for one in events.Scalars("dice/liver")]
    assert liver == [(1, 0.5), (2, 0.9)]
    assert [one.step for one in events.Scalars("loss/training")] == [1, 2]


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = TrainingLog(None, ["liver"])
    log.add(an_epoch(1))
    log.close()
    assert not list(tmp_path.iterdir())
