"""Control characters in names reach no terminal: they are written out, whatever says the name."""

import logging
import sys

import numpy as np
import pytest
from image_files import write
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.commands._console import Console, LineFormatter, printable

PLANES = np.zeros((6, 12, 12), np.uint8)
PLANES[[1, 4], 3:9, 3:9] = 1
PLACE = {"spacing": (1, 1, 3)}
RED, BELL, TITLE, UP = "\x1b[31mliver", "li\x07ver", "\x1b]0;title\x07", "liver\x1b[2A\x1b[K"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (RED, r"\x1b[31mliver"),
        (BELL, r"li\x07ver"),
        (TITLE, r"\x1b]0;title\x07"),
        ("a\rb", r"a\rb"),
        ("a\x9b31m", r"a\x9b31m"),
        ("a\u202egnp.nii", r"a\u202egnp.nii"),
        ("a\u2066b", r"a\u2066b"),
        ("a\nb", r"a\nb"),
        ("Größe 肝臓 שלום \N{BRAIN} a\\b", "Größe 肝臓 שלום \N{BRAIN} a\\b"),
    ],
)
def test_they_are_written_out(name, shown):
    assert printable(name) == shown


def test_ends_of_lines_of_our_own_are_kept():
    assert printable("a\x1b\nb", lines=True) == "a\\x1b\nb"


@pytest.mark.parametrize("say", ["out", "say", "error"])
def test_the_console_writes_none(say, capsys):
    getattr(Console(), say)(f"{UP} and {RED}")
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert r"liver\x1b[2A\x1b[K and \x1b[31mliver" in said.out + said.err


def test_a_table_keeps_its_rows(capsys):
    Console().table(["name", "planes"], [["a\nb", 1], [BELL, 2]])
    assert capsys.readouterr().out.splitlines()[1:] == ["a\\nb            1", "li\\x07ver       2"]


def test_a_line_of_the_log_is_one_line():
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s is assumed", ("a\x1b[1m\nb",), None)
    assert LineFormatter().format(record) == r"a\x1b[1m\nb is assumed"


def test_a_traceback_keeps_its_lines():
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    assert len(LineFormatter().format(record).splitlines()) > 2


@pytest.mark.parametrize("name", [RED, BELL, TITLE])
def test_of_a_segment_on_the_command_line(tmp_path, capfd, name):
    image = write(tmp_path / "scan.nrrd", np.zeros(PLANES.shape, np.int16) + PLANES * 50, **PLACE)
    about = {"Segment0_ID": "1", "Segment0_Name": name, "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
    labels = write(tmp_path / "labels.seg.nrrd", PLANES, about, **PLACE)
    command = ["predict", str(image), str(labels), "-o", str(tmp_path / "out.seg.nrrd"), "--predictor", "nearest"]
    assert main(command) == 0
    assert main(["suggest", str(image), "--labels", str(labels), "--count", "2"]) == 0
    said = "".join(capfd.readouterr())
    assert printable(name) in said
    assert not set(said) & set("\x1b\x07")


@pytest.mark.parametrize("name", ["a\x1b[31m.nii.gz", "a\x07.nii.gz", "a\nb.nii.gz"])
def test_of_a_file_that_is_not_there(name, capsys):
    assert main(["predict", name, "labels.nii.gz", "-o", "out.nii.gz"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert printable(name) in said


def test_of_a_mistyped_option(capsys):
    with pytest.raises(SystemExit):
        main(["predict", "a", "b", "-o", "c", "--pre\x1b[31m", "x"])
    assert r"--pre\x1b[31m" in capsys.readouterr().err
