import json
import os
import threading

import numpy as np
import pytest
from SparseAnnotateLib import Progress
from SparseAnnotateLib.jobs.events import Event, EventFile, EventReader
from SparseAnnotateLib.jobs.reporter import Heartbeat, Reporter


def test_an_event_survives_json():
    plane = np.arange(12, dtype=np.uint8).reshape(3, 4)
    event = Event("progress", 1.5, 3.0, "learn", 0.25, 'half a "word"\nand a line', (7, plane), worker="12")
    back = Event.from_dict(json.loads(json.dumps(event.to_dict())))
    assert (back.stage, back.message, back.remaining_s, back.preview[0]) == ("learn", event.message, 3.0, 7)
    np.testing.assert_array_equal(back.preview[1], plane)


def test_a_plane_of_512_x_512_labels_is_a_small_event():
    rows, columns = np.ogrid[:512, :512]
    disc = ((rows - 200) ** 2 + (columns - 300) ** 2 < 90**2).astype(np.uint8)
    assert len(json.dumps(Event("progress", preview=(0, disc)).to_dict())) < 8000


def test_the_reader_gives_each_line_once_and_whole(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.read() == []
    path.write_bytes(b'{"kind": "started"}\n{"kind": "prog')
    assert [event.kind for event in reader.read()] == ["started"]
    assert reader.read() == []
    with open(path, "ab") as file:
        file.write(b'ress"}\n')
    assert [event.kind for event in reader.read()] == ["progress"]


def test_the_reader_skips_what_it_cannot_read_and_ignores_what_it_does_not_know(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b'\xff\xfe\n[]\n{"no": "kind"}\n{"kind": "progress", "preview": {}}\n{"kind": "result", "mood": 1}\n'
    )
    assert [event.kind for event in EventReader(path).read()] == ["result"]


def test_a_heartbeat_after_the_end_is_not_read(tmp_path):
    path = tmp_path / "events.jsonl"
    send = EventFile(path)
    for kind in ("started", "error", "heartbeat"):
        send(Event(kind))
    reader = EventReader(path)
    assert [event.kind for event in reader.read()] == ["started", "error"]
    send(Event("heartbeat"))
    assert reader.read() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_lines_of_two_processes_do_not_mix(tmp_path):
    path = tmp_path / "events.jsonl"
    child = os.fork()
    send, count = EventFile(path), 1000
    for number in range(count):
        send(Event("progress", message=("a" if child else "b") * (1 + number % 3000), worker=str(number)))
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    read = EventReader(path).read()
    for letter in "ab":
        theirs = [event for event in read if event.message[0] == letter]
        assert [int(event.worker) for event in theirs] == list(range(count))
        assert all(set(event.message) == {letter} for event in theirs)


def test_a_line_torn_by_a_full_disk_costs_one_event(tmp_path):
    path = tmp_path / "events.jsonl"
    file = EventFile(path)

    class FullOnce:
        def __init__(self, real):
            self.real, self.calls = real, 0

        def write(self, line):
            self.calls += 1
            return self.real.write(line[:5] if self.calls == 1 else line)

    file._file = FullOnce(file._file)
    for kind in ("started", "progress", "result"):
        file(Event(kind))
    assert [event.kind for event in EventReader(path).read()] == ["progress", "result"]


def test_a_thousand_steps_a_second_become_twenty_events_and_nothing_is_lost_at_the_end(monkeypatch):
    sent, now = [], 0.0
    monkeypatch.setattr("SparseAnnotateLib.jobs.reporter.time.monotonic", lambda: now)
    reporter = Reporter(sent.append)
    for number in range(1000):
        now += 0.001
        reporter.progress(Progress("learn", number / 1000))
    assert len(sent) < 50
    reporter._sent = -1.0
    reporter.heartbeat()
    assert sent[-1].fraction == 0.999


@pytest.mark.parametrize(("shows_all", "shown"), [(False, 1), (True, 100)])
def test_every_plane_is_shown_where_they_are_waited_for(monkeypatch, shows_all, shown):
    sent, now = [], 0.0
    monkeypatch.setattr("SparseAnnotateLib.jobs.reporter.time.monotonic", lambda: now)
    reporter = Reporter(sent.append)
    reporter.shows_all = shows_all
    for number in range(100):
        now += 0.001
        reporter.progress(Progress("decide", number / 100, preview=(number, np.zeros((2, 3), np.uint8))))
    assert [event.preview[0] for event in sent if event.preview is not None] == list(range(shown))


def test_one_plane_is_shown_twice_a_second(monkeypatch):
    sent, now = [], 0.0
    monkeypatch.setattr("SparseAnnotateLib.jobs.reporter.time.monotonic", lambda: now)
    reporter = Reporter(sent.append)
    reporter.shows_all = True
    for number in range(160):
        now += 0.0125
        reporter.progress(Progress("learn", number / 160, preview=(7, np.zeros((2, 3), np.uint8))))
    assert sum(event.preview is not None for event in sent) == 4


def test_every_stage_is_told():
    sent = []
    reporter = Reporter(sent.append)
    for number, stage in enumerate("abc"):
        reporter.progress(Progress(stage, number / 3))
    assert [event.stage for event in sent] == ["a", "b", "c"]


def test_nothing_follows_the_end():
    sent = []
    reporter = Reporter(sent.append)
    reporter.result()
    reporter.cancelled()
    reporter.progress(Progress("late", 0.5))
    assert [event.kind for event in sent] == ["result"]


def test_the_time_that_remains_comes_from_the_fraction_done(monkeypatch):
    sent, now = [], 0.0
    monkeypatch.setattr("SparseAnnotateLib.jobs.reporter.time.monotonic", lambda: now)
    reporter = Reporter(sent.append)
    now = 10.0
    reporter.progress(Progress("learn", 0.001))
    reporter.progress(Progress("predict", 0.25))
    assert sent[0].remaining_s is None
    assert abs(sent[1].remaining_s - 30.0) < 1.0


def test_a_sender_that_is_blocked_does_not_block_whoever_must_end_the_process():
    release = threading.Event()
    reporter = Reporter(lambda _: release.wait(600))
    stuck = threading.Thread(target=reporter.started)
    stuck.start()
    reporter.cancelled()
    assert stuck.is_alive()
    release.set()
    stuck.join()


def test_a_heartbeat_ends_with_its_block():
    beats = []
    with Heartbeat(0.001, lambda: beats.append(1)) as heartbeat:
        while len(beats) < 3:
            pass
    assert not heartbeat._thread.is_alive()
