"""Lists on the command line: commas and blanks are the same everywhere."""

import pytest
from SparseAnnotateLib.cli import build_parser, main

EVALUATE = ("evaluate", "data", "-o", "out")
PREDICT = ("predict", "scan.nii", "labels.nii", "-o", "out.nii")


def given(*words):
    return build_parser().parse_args([*words])


@pytest.mark.parametrize("words", [("0.2,0.33",), ("0.2", "0.33"), ("0.2,", "0.33"), ("0.2, 0.33",)])
def test_fractions(words):
    assert given(*EVALUATE, "--fractions", *words).fractions == [0.2, 0.33]


@pytest.mark.parametrize(
    ("option", "name", "value"),
    [
        ("--seeds", "seeds", [1, 2, 3]),
        ("--axis", "axes", ["i", "k"]),
        ("--classes", "classes", ["liver", "2"]),
        ("--selectors", "selectors", ["keep-n", "random"]),
    ],
)
@pytest.mark.parametrize("between", [",", " "])
def test_other_lists_of_evaluate(option, name, value, between):
    words = between.join(map(str, value)).split(" ")
    assert getattr(given(*EVALUATE, option, *words), name) == value


def test_the_options_of_a_method_stay_with_it():
    words = ("guided:a=1,b=2,nearest", "shape:c=3,d=4", "unet:e=5")
    expected = ["guided:a=1,b=2", "nearest", "shape:c=3,d=4", "unet:e=5"]
    assert given(*EVALUATE, "--predictors", *words).predictors == expected


@pytest.mark.parametrize("option", ["--painted", "--partly", "--empty"])
@pytest.mark.parametrize("words", [("3,17,29",), ("3", "17", "29"), ("3,", "17,", "29"), ("3-3", "17,29")])
def test_planes(option, words):
    assert getattr(given(*PREDICT, option, *words), option[2:]) == [3, 17, 29]


@pytest.mark.parametrize("words", [("3", "9"), ("3,9",), ("3-9",), ("3,", "9")])
def test_a_range(words):
    assert given(*PREDICT, "--range", *words).range == [3, 9]


def test_three_numbers():
    assert given("cohort", "train", "d", "-o", "m.safetensors", "--block", "48", "64", "64").block == (48, 64, 64)
    assert given("suggest", "scan.tif", "--count", "2", "--spacing", "0.5,0.5,2").spacing == [0.5, 0.5, 2.0]


def test_what_follows_a_list_is_not_a_part_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "7").write_text("a file")
    read = given("predict", "-o", "out.nii", "--painted", "3", "5", "scan.nii", "labels.nii")
    assert (read.painted, read.image, read.labels) == ([3, 5], "scan.nii", "labels.nii")
    read = given("predict", "-o", "out.nii", "--painted", "3", "7", "labels.nii")
    assert (read.painted, read.image, read.labels) == ([3], "7", "labels.nii")


@pytest.mark.parametrize("option", ["--painted", "--empty", "--partly"])
@pytest.mark.parametrize("planes", ["", " ", ","])
def test_a_list_that_names_no_plane_is_refused(option, planes, capsys):
    with pytest.raises(SystemExit):
        main([*PREDICT, option, planes])
    assert f"argument {option}: it names no plane: write 3,17,29" in capsys.readouterr().err


@pytest.mark.parametrize("planes", ["4-1", "9-2,12", "3,5-4", "10-09"])
def test_planes_that_run_backwards_name_no_plane(planes, capsys):
    with pytest.raises(SystemExit):
        main([*PREDICT, "--painted", planes])
    assert "names no plane: write " in capsys.readouterr().err
