"""Mistyped commands: one sentence in our words, whatever the command; and what is merely in another order works."""

import re

import pytest
from SparseAnnotateLib.cli import build_parser, main
from SparseAnnotateLib.commands._lists import leaves

COMMANDS = {leaf.prog: leaf for leaf in leaves(build_parser())}
ARGPARSE = r"unrecognized|the following arguments|invalid \w+ value|expected (one|at least|\d)|ignored expl"


def refused(words, capsys):
    """The one line of a command that is refused before it does anything."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    said = capsys.readouterr()
    assert stop.value.code == 2
    assert said.out == ""
    assert said.err.startswith("sparse-annotate: ")
    assert said.err.count("\n") == 1
    assert not re.search(ARGPARSE, said.err)
    return said.err.removeprefix("sparse-annotate: ").strip()


def complete(prog):
    """A command with all that it needs."""
    words = prog.split()[1:]
    for action in COMMANDS[prog]._actions:
        if action.required:
            words += [*action.option_strings[:1], "3" if action.type else "x"]
    for group in COMMANDS[prog]._mutually_exclusive_groups:
        if group.required:
            words += [group._group_actions[0].option_strings[0], "3"]
    return words


@pytest.mark.parametrize("prog", COMMANDS)
class TestEveryCommand:
    def test_an_option_that_is_unknown(self, prog, capsys):
        assert "has no option --zzz: leave it out" in refused([*complete(prog), "--zzz", "7"], capsys)

    def test_a_word_too_many(self, prog, capsys):
        assert "one two" in refused([*complete(prog), "LABELS", "one two", "three"], capsys)

    def test_what_is_missing(self, prog, capsys):
        needed = [action for action in COMMANDS[prog]._actions if action.required]
        if not needed:
            pytest.skip("it needs nothing")
        said = refused(prog.split()[1:], capsys)
        assert f"(usage: {prog} --help)" in said
        assert all(str(action.metavar) in said for action in needed)

    def test_every_option_without_its_value(self, prog, capsys):
        for action in COMMANDS[prog]._actions:
            if action.option_strings and action.nargs != 0:
                said = refused([*complete(prog), action.option_strings[0]], capsys)
                assert f"{action.option_strings[-1]} needs" in said

    def test_every_number_that_is_none(self, prog, capsys):
        for action in COMMANDS[prog]._actions:
            if action.type in (int, float) and action.nargs is None:
                said = refused([*complete(prog), f"{action.option_strings[-1]}=many"], capsys)
                assert "'many' is no " in said or "exclude each other" in said

    def test_every_word_that_is_no_choice(self, prog, capsys):
        for action in COMMANDS[prog]._actions:
            if action.choices and action.nargs is None and action.option_strings:
                assert "zzz is unknown: choose " in refused([*complete(prog), action.option_strings[-1], "zzz"], capsys)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("predict a", "predict needs -o OUTPUT: add it"),
        ("predict a --box 1 2 b", "--box needs 6 values: write --box PLANE PLANE ROW ROW COLUMN COLUMN"),
        ("suggest a", "suggest needs --count N or --fraction F: give one of them"),
        ("suggest a --count 3 --fraction .2", "--fraction and --count exclude each other: give one of them"),
        ("cohort trian data", "cohort has no command trian: did you mean train?"),
        ("", "say what to do: sparse-annotate demo, suggest, predict"),
        ("predict a b -o c --agin", "predict has no option --agin: did you mean --again?"),
        ("predict a b -o c --again=yes", "--again takes no value: leave out yes"),
        ("predict a b -o c --ra 3", "--ra can be --range, --range-of, --ranges or --ranges-from: write it out"),
        (
            "evaluate --fractions 0.2 -o out",
            "evaluate needs DATA: add it, DATA before options that take",
        ),
        ("predict a b c -o out", "predict takes IMAGE and LABELS only, c is too much"),
        (
            "predict a b -o c --spacing 0,5 0,5 2,0",
            "--spacing takes numbers with a point, not a comma: write --spacing 0.5",
        ),
        (
            "predict a b --spacing 1,0 1,0 2,5 -o c",
            "--spacing takes numbers with a point, not a comma: write --spacing 1.0",
        ),
        (
            "evaluate d --fractions 0,2 0,33 -o e",
            "--fractions takes numbers with a point, not a comma: write --fractions 0.2",
        ),
        (
            "evaluate d --fractions=0,2 -o e",
            "--fractions takes numbers with a point, not a comma: write --fractions 0.2",
        ),
        ("simulate a b --fraction 0,2", "argument --fraction: '0,2' is no number: write 0.2"),
        ("simulate a b --fraction 20%", "argument --fraction: '20%' is no number: write 0.2"),
        ("predict a b -o c --painted 1_0", "argument --painted: '1_0' is no plane number: write 3,17,29"),
        ("predict a b -o c --painted 0-99999999999", "argument --painted: '0-99999999999' is no plane number"),
        ("suggest a --count 3 --json out.json", "--json prints here, and takes no file: write --json > out.json"),
        ("suggest --json out.JSON a --count 3", "--json prints here, and takes no file: write --json > out.JSON"),
        ("suggest a b --count 3", "suggest takes IMAGE only, b is too much: give labels as --labels"),
    ],
)
def test_the_sentence_says_what_to_do(words, sentence, capsys):
    assert refused(words.split(), capsys).startswith(sentence)


@pytest.mark.parametrize(
    "words",
    [
        "scan.nii --channel 0 labels.nii -o out.nii",
        "scan.nii -o out.nii labels.nii",
        "-o out.nii --seed 3 scan.nii -q labels.nii",
        "scan.nii --box 1 2 3 4 5 6 labels.nii -o out.nii",
        "--box 1,2,3 4,5,6 scan.nii labels.nii -oout.nii",
        "scan.nii --empty-of liver 3 labels.nii --out=out.nii",
        "--range 3-9 scan.nii --painted 3 5 labels.nii -o out.nii",
        "--rep -4 scan.nii --range-of liver 3 9 labels.nii -o out.nii",
        "-o out.nii -- scan.nii labels.nii",
        "-o out.nii scan.nii -- labels.nii",
    ],
)
def test_files_may_stand_anywhere(words):
    read = build_parser().parse_args(["predict", *words.split()])
    assert (read.image, read.labels, read.output) == ("scan.nii", "labels.nii", "out.nii")


@pytest.mark.parametrize("option", ["--fractions 0.2 0.3", "--classes liver 2", "--seeds 1,2", "--axis i k"])
def test_a_file_behind_a_list_is_no_part_of_it(tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    assert build_parser().parse_args(["evaluate", "-o", "out", *option.split(), "scans"]).data == "scans"
    read = build_parser().parse_args(["evaluate", *option.split(), "scans", "-o", "out"])
    assert (read.data, read.output) == ("scans", "out")


def test_a_list_keeps_a_word_that_is_also_a_file_where_no_file_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "liver").write_text("")
    assert build_parser().parse_args(["evaluate", "d", "-o", "o", "--classes", "spleen", "liver"]).classes[1] == "liver"


def test_labels_taken_for_planes_are_named(capsys):
    assert main(["predict", "scan.nii", "--empty-of", "liver", "labels.nii", "-o", "out.nii"]) == 2
    assert "--empty-of: 'labels.nii' is no plane number" in capsys.readouterr().err
