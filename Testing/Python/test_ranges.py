"""Ranges of single structures on the command line: typed, from a table, from a rough segmentation."""

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from SparseAnnotateLib.cli import main


def write(path, array):
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return str(path)


@pytest.fixture
def scan(tmp_path):
    """20 planes: a long structure (1) on planes 2 to 17, a short one (2) on planes 8 to 12."""
    labels = np.zeros((20, 12, 14), np.uint8)
    labels[2:18, 2:9, 2:7] = 1
    labels[8:13, 2:9, 8:12] = 2
    image = labels * 30 + np.random.default_rng(0).normal(0, 2, labels.shape)
    return write(tmp_path / "image.nii.gz", image.astype(np.float32)), write(tmp_path / "rough.nii.gz", labels), labels


@pytest.fixture
def painted(scan, tmp_path):
    """A label map with planes 4, 10 and 15 painted."""
    sparse = np.zeros_like(scan[2])
    sparse[[4, 10, 15]] = scan[2][[4, 10, 15]]
    return write(tmp_path / "painted.nii.gz", sparse)


def named(path, labels):
    """A segmentation of Slicer: organ 1, gland 2."""
    image = sitk.GetImageFromArray(labels.astype(np.uint8))
    for number, name in enumerate(("organ", "gland")):
        image.SetMetaData(f"Segment{number}_ID", name)
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
        image.SetMetaData(f"Segment{number}_Layer", "0")
    sitk.WriteImage(image, str(path))
    return str(path)


def refused(arguments, capsys) -> str:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1].removeprefix("sparse-annotate: ")


def suggested(capsys, *arguments) -> dict:
    assert main(["suggest", *arguments, "--count", "3", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def predicted(capsys, tmp_path, *arguments):
    """The labels, and what was said."""
    out = tmp_path / "out.nii.gz"
    out.unlink(missing_ok=True)
    assert main(["predict", *arguments, "-o", str(out), "--predictor", "shape", "--axis", "k"]) == 0
    return sitk.GetArrayFromImage(sitk.ReadImage(str(out))), capsys.readouterr().err


class TestTables:
    @pytest.mark.parametrize(
        "text",
        [
            "structure,first,last\nlong,2,17\nshort,8,12\n",
            "structure;first;last\r\nlong;2;17\r\nshort;8;12\r\n",
            "structure\tfirst\tlast\nlong\t2\t17\n\nshort\t8\t12",
            "\ufeffStructure , FIRST,Last,remark\n long ,2, 17,ends early\nshort,8,12\n",
        ],
    )
    def test_the_tables_that_spreadsheets_write_are_read(self, scan, tmp_path, capsys, text):
        (tmp_path / "ranges.csv").write_text(text, encoding="utf-8")
        typed = suggested(capsys, scan[0], "--range-of", "long", "2", "17", "--range-of", "short", "8", "12")
        assert suggested(capsys, scan[0], "--ranges", str(tmp_path / "ranges.csv")) == typed

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "holds no range: name the columns structure,first,last, then a line for each"),
            ("structure,first,last\n", "holds no range"),
            ("name,from,to\nlong,2,17\n", "has no column structure but name, from, to: name them structure,first,last"),
            ("structure,first,last\nlong,2\n", "range 1 (long, 2, ): write a name and two plane numbers"),
            ("structure,first,last\nlong,2,17\nshort,eight,12\n", "range 2 (short, eight, 12): write a name"),
            ("structure,first,last\n,2,17\n", "range 1 (, 2, 17): write a name"),
            ("structure,first,last\nlong,2,17\nlong,3,17\n", "has two ranges of long: keep one of them"),
            ("structure,first,last\nlong,17,2\n", "the range 17 to 2 of long is empty: give its first plane first"),
            ("structure,first,last\nlong,2,20\n", "the range 2 to 20 of long leaves the volume: planes are numbered 0"),
            ("structure,first,last\nlong,-1,9\n", "the range -1 to 9 of long leaves the volume"),
        ],
    )
    def test_a_table_that_cannot_be_meant_so_is_refused_in_one_sentence(self, scan, tmp_path, capsys, text, sentence):
        (tmp_path / "ranges.csv").write_text(text, encoding="utf-8")
        said = refused(["suggest", scan[0], "--count", "2", "--ranges", str(tmp_path / "ranges.csv")], capsys)
        assert sentence in said

    def test_a_second_range_of_a_structure_is_refused(self, scan, capsys):
        twice = ["--range-of", "long", "2", "17", "--range-of", "long", "3", "9"]
        assert "given twice for long" in refused(["suggest", scan[0], "--count", "2", *twice], capsys)

    def test_values_stay_and_names_get_others(self, scan, capsys):
        told = ["--range-of", "1", "2", "6", "--range-of", "gland", "10", "15", "--range-of", "7", "16", "17"]
        result = suggested(capsys, scan[0], *told)
        assert sorted({value for one in result["suggestions"] for value in one["structures"]}) == [1, 2, 7]

    def test_a_value_and_the_name_that_stands_for_it_are_one_structure(self, scan, capsys):
        result = suggested(capsys, scan[0], "--range-of", "class 7", "2", "6", "--range-of", "gland", "10", "15")
        assert result["complete"] == {"class 7": [], "gland": []}
        assert {value for one in result["suggestions"] for value in one["structures"]} == {1, 7}
        twice = ["--range-of", "7", "2", "6", "--range-of", "class 7", "3", "9"]
        said = refused(["suggest", scan[0], "--count", "2", *twice], capsys)
        assert said == "--range-of is given for class 7 and for its value 7: keep one of them"

    def test_planes_are_counted_along_the_axis_of_the_labels(self, scan, painted, capsys, tmp_path):
        image = sitk.ReadImage(scan[0])
        image.SetSpacing((1, 3, 1))
        labels = sitk.ReadImage(painted)
        labels.CopyInformation(image)
        sitk.WriteImage(image, scan[0])
        sitk.WriteImage(labels, painted)
        said = refused(["predict", scan[0], painted, "-o", str(tmp_path / "o.nii.gz"), "--range", "0", "25"], capsys)
        assert said == "the range 0 to 25 leaves the volume: planes are numbered 0 to 19 along k"

    def test_a_structure_that_only_a_range_names_is_in_no_doubt(self, scan, painted, capsys):
        ranges = ["--range-of", "vein", "3", "16", "--range-of", "1", "2", "17"]
        assert main(["suggest", scan[0], "--labels", painted, "--count", "3", *ranges]) == 0
        said = capsys.readouterr()
        assert said.err.startswith("note: vein: not among the labels, so not painted yet\naxis k")
        assert "vein" in said.out

    def test_no_plane_outside_a_box_is_suggested(self, scan, painted, capsys):
        box = ["--box", "4", "15", "0", "11", "0", "13"]
        for more in ([], ["--labels", painted]):
            result = suggested(capsys, scan[0], *box, *more)
            assert result["range"] == [4, 15]
            assert all(4 <= plane <= 15 for plane in result["planes"])

    def test_words_stand_at_the_left_and_numbers_at_the_right(self, scan, capsys):
        assert main(["suggest", scan[0], "--range-of", "long", "2", "17", "--count", "2", "-q"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {line.index(word) for line, word in zip(lines, ["reason", "long:", "long:"], strict=True)} == {7}

    def test_a_file_that_is_no_text_is_refused(self, scan, capsys):
        assert "--ranges" in refused(["suggest", scan[0], "--count", "2", "--ranges", scan[0]], capsys)


class TestPredicting:
    def test_a_structure_ends_where_it_was_clicked_beyond_the_painted_planes(self, scan, painted, capsys, tmp_path):
        without, _ = predicted(capsys, tmp_path, scan[0], painted)
        assert np.flatnonzero((without == 1).any(axis=(1, 2)))[[0, -1]].tolist() == [4, 15]
        labels, said = predicted(
            capsys, tmp_path, scan[0], painted, "--range-of", "1", "2", "17", "--range-of", "2", "8", "12"
        )
        assert np.flatnonzero((labels == 1).any(axis=(1, 2)))[[0, -1]].tolist() == [2, 17]
        shown = np.flatnonzero((labels == 2).any(axis=(1, 2)))
        assert 8 <= shown[0] <= 10 <= shown[-1] <= 12
        assert "planes 2 to 17" in said

    def test_a_structure_without_a_range_still_ends_at_the_painted_planes(self, scan, painted, capsys, tmp_path):
        labels, _ = predicted(capsys, tmp_path, scan[0], painted, "--range-of", "2", "0", "19")
        assert np.flatnonzero((labels == 1).any(axis=(1, 2)))[[0, -1]].tolist() == [4, 15]

    def test_ranges_of_a_rough_segmentation_are_those_typed(self, scan, painted, capsys, tmp_path):
        typed = ["--range-of", "1", "2", "17", "--range-of", "2", "8", "12"]
        labels, _ = predicted(capsys, tmp_path, scan[0], painted, *typed)
        rough, _ = predicted(capsys, tmp_path, scan[0], painted, "--ranges-from", scan[1])
        assert np.array_equal(rough, labels)

    def test_a_table_may_hold_structures_that_are_not_painted(self, scan, painted, capsys, tmp_path):
        (tmp_path / "ranges.csv").write_text("structure,first,last\n1,2,17\nspleen,3,9\n", encoding="utf-8")
        _, said = predicted(capsys, tmp_path, scan[0], painted, "--ranges", str(tmp_path / "ranges.csv"))
        assert "note: spleen: a range, but no label, so not predicted" in said

    def test_three_structures_that_end_together_keep_their_size_up_to_there_and_it_is_said(self, tmp_path, capsys):
        labels = np.zeros((20, 12, 26), np.uint8)
        for number in (1, 2, 3):
            labels[number:16, 2:10, 8 * number - 6 : 8 * number] = number
        image = labels * 30 + np.random.default_rng(0).normal(0, 2, labels.shape)
        sparse = np.zeros_like(labels)
        sparse[[5, 10]] = labels[[5, 10]]
        scan = write(tmp_path / "image.nii.gz", image.astype(np.float32))
        painted = write(tmp_path / "painted.nii.gz", sparse)
        told = [text for n in ("1", "2", "3") for text in ("--range-of", n, n, "15")]
        found, said = predicted(capsys, tmp_path, scan, painted, *told)
        assert "note: 3 structures end on plane 15: taken to be cut off there, so they do not taper" in said
        assert np.array_equal(found[11:16], labels[11:16])
        told[-1] = "14"
        found, said = predicted(capsys, tmp_path, scan, painted, *told)
        assert "cut off" not in said
        assert np.count_nonzero(found[15]) < np.count_nonzero(labels[15]) / 2

    def test_a_structure_that_was_typed_wrongly_is_refused(self, scan, painted, capsys, tmp_path):
        arguments = ["predict", scan[0], painted, "-o", str(tmp_path / "out.nii.gz"), "--range-of", "liver", "2", "9"]
        assert "--range-of liver: there is no such structure among the labels; there are:" in refused(arguments, capsys)

    def test_a_range_that_leaves_painted_pixels_out_is_refused(self, scan, painted, capsys, tmp_path):
        arguments = ["predict", scan[0], painted, "-o", str(tmp_path / "out.nii.gz"), "--range-of", "1", "5", "17"]
        assert "class 1 is painted on plane 4, outside its range 5 to 17" in refused(arguments, capsys)


class TestSuggesting:
    def test_a_structure_of_which_nothing_is_painted_yet_gets_planes(self, scan, tmp_path, capsys):
        sparse = np.zeros_like(scan[2])
        sparse[[4, 10, 15]] = np.where(scan[2][[4, 10, 15]] == 1, 1, 0)
        labels = write(tmp_path / "first.nii.gz", sparse)
        result = suggested(capsys, scan[0], "--labels", labels, "--range-of", "gland", "8", "12", "--axis", "k")
        assert any(8 <= one["plane"] <= 12 and 2 in one["structures"] for one in result["suggestions"])

    def test_with_all_ranges_known_planes_stay_inside_them(self, scan, painted, capsys):
        result = suggested(capsys, scan[0], "--labels", painted, "--ranges-from", scan[1], "--axis", "k")
        assert result["range"] == [2, 17]

    def test_few_planes_without_ranges_come_with_advice(self, scan, capsys):
        advised = []
        for given in (["--count", "2"], ["--count", "4"], ["--count", "2", "--ranges-from", scan[1]]):
            assert main(["suggest", scan[0], *given]) == 0
            advised.append("ask for 4 now" in capsys.readouterr().err)
        assert advised == [True, False, False]

    def test_a_mistyped_name_beside_a_segmentation_is_said_with_the_name_that_is_near(self, scan, tmp_path, capsys):
        for labels in (
            [],
            ["--labels", named(tmp_path / "painted.seg.nrrd", scan[2] * (np.arange(20) == 10)[:, None, None])],
        ):
            rough = named(tmp_path / "auto.seg.nrrd", scan[2])
            typed = ["--ranges-from", rough, "--range-of", "glnad", "8", "12", "--count", "2"]
            assert main(["suggest", scan[0], *labels, *typed]) == 0
            said = capsys.readouterr().err
            where = "not among the labels, so not painted yet" if labels else f"not in {rough}, so one more structure"
            assert f"note: glnad: {where}; did you mean gland?" in said

    def test_a_name_far_from_all_others_is_only_said(self, scan, capsys):
        typed = ["--ranges-from", scan[1], "--range-of", "vein", "8", "12", "--count", "2"]
        assert main(["suggest", scan[0], *typed]) == 0
        assert f"note: vein: not in {scan[1]}, so one more structure\n" in capsys.readouterr().err

    def test_a_mistyped_name_beside_a_table_is_said_too(self, scan, tmp_path, capsys):
        table = tmp_path / "ranges.csv"
        table.write_text("structure,first,last\nlong,2,17\nshort,8,12\n", encoding="utf-8")
        typed = ["--ranges", str(table), "--range-of", "long", "3", "9", "--range-of", "shrot", "8", "12"]
        assert main(["suggest", scan[0], *typed, "--count", "2"]) == 0
        assert f"note: shrot: not in {table}, so one more structure; did you mean short?\n" in capsys.readouterr().err

    def test_a_range_typed_by_value_replaces_that_of_the_segmentation(self, scan, tmp_path, capsys):
        rough = named(tmp_path / "auto.seg.nrrd", scan[2])
        result = suggested(capsys, scan[0], "--ranges-from", rough, "--range-of", "2", "8", "9")
        assert result["complete"] == {"gland": [], "organ": []}
        said = refused(
            [
                "suggest",
                scan[0],
                "--count",
                "2",
                "--ranges-from",
                rough,
                "--range-of",
                "2",
                "8",
                "9",
                "--range-of",
                "gland",
                "8",
                "9",
            ],
            capsys,
        )
        assert said == "--range-of is given for gland and for its value 2: keep one of them"

    def test_structures_of_a_segmentation_keep_their_values_and_are_named_as_everywhere(self, scan, tmp_path, capsys):
        rough = write(tmp_path / "other.nii.gz", np.array([0, 3, 5], np.uint8)[scan[2]])
        result = suggested(capsys, scan[0], "--ranges-from", rough)
        assert {value for one in result["suggestions"] for value in one["structures"]} == {3, 5}
        assert list(result["complete"]) == ["class 3", "class 5"]
        assert main(["suggest", scan[0], "--ranges-from", rough, "--count", "3", "-q"]) == 0
        assert "class 5: in a gap of" in capsys.readouterr().out
