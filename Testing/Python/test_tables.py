"""Tables as spreadsheets save them: commas, semicolons or tabs, in any encoding; wherever tables are read."""

import csv
import os

import numpy as np
import pytest
from image_files import write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.commands.cohort.cases import find_painted_cases
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.io.tables import read_table
from SparseAnnotateLib.jobs.cases import find_cases, said_in

ROWS = [{"image": "a.nii", "labels": "b, c.nii", "painted": "3,17"}, {"image": "ä", "labels": "", "painted": "1;2"}]


WIDE = [f"utf-{bits}{order}" for bits in (16, 32) for order in ("", "-le", "-be")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", *WIDE])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_as_a_spreadsheet_saves_it(tmp_path, delimiter, encoding, end):
    path = tmp_path / "table.csv"
    with open(path, "w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, ROWS[0], delimiter=delimiter, lineterminator=end)
        writer.writeheader()
        writer.writerows(ROWS)
    assert read_table(path) == ROWS


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\nimage;labels\na;b\n", [{"image": "a", "labels": "b"}]),
        ("sep=|\r\nimage|labels\r\na|b\r\n", [{"image": "a", "labels": "b"}]),
        ('"image, or so";labels\na;b\n', [{"image, or so": "a", "labels": "b"}]),
        (" image ; labels\n a ; b \n", [{"image": "a", "labels": "b"}]),
        ("name\na;b\n", [{"name": "a;b"}]),
        ("image;labels\n\na;b;\n", [{"image": "a", "labels": "b", "more values than columns": [""]}]),
        ("", []),
    ],
)
def test_what_separates_is_told_by_the_names_of_the_columns(tmp_path, text, rows):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_table(path) == rows


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("image,labels\na,b\nc,d\n", [2, 3]),
        ("image,labels\n\n\na,b\n\nc,d\n", [4, 6]),
        ("sep=;\r\nimage;labels\r\n\r\na;b\r\n", [4]),
        ('image,labels\n"a\nb",c\nd,e\n', [2, 4]),
        ("image,labels\n,\na,b\n , \n", [3]),
        (" \n\t\nsep\nb", [4]),
        ("\n\nimage,labels\na,b", [4]),
        ("image,labels\ra,b\r\rc,d\r", [2, 4]),
    ],
)
def test_rows_know_their_line_as_an_editor_counts_and_empty_ones_are_left_out(tmp_path, text, lines):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert [row.line for row in read_table(path)] == lines


@pytest.mark.parametrize("text", ["image;image;labels\na;b;c\n", "image;;labels;\na;b;c;d\n"])
def test_two_columns_of_the_same_name_are_refused(tmp_path, text):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(InputError, match="two columns"):
        find_cases(tmp_path / "table.csv", tmp_path / "out")


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00\x01\x02abc", b"image,labels\na\x00,b\n", b"PK\x03\x04;x\n"])
def test_what_is_no_text_is_no_table(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(csv.Error, match="it holds bytes that are no text"):
        read_table(tmp_path / "table.csv")


def test_every_reader_of_tables_takes_semicolons(tmp_path):
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[1:3, 2, 2] = 1
    for name in ("scan.nii", "labels.nii"):
        write(tmp_path / name, labels)
    table = tmp_path / "cases.csv"
    table.write_text("image;labels;name\nscan.nii;labels.nii;one\n")
    readers = (
        lambda path: find_cases(path, tmp_path / "out", predictor="nearest"),
        find_labelled_cases,
        find_painted_cases,
    )
    for read in readers:
        assert [case.name for case in read(table)] == ["one"]


def test_ranges_come_from_a_table_with_semicolons_in_latin_1(tmp_path, capsys):
    labels = np.zeros((9, 8, 8), np.uint8)
    labels[[2, 6], 2:6, 2:6] = 1
    write(tmp_path / "scan.nii", labels * 100 + np.arange(64, dtype=np.uint8).reshape(8, 8))
    write(tmp_path / "labels.nii", labels)
    (tmp_path / "ranges.csv").write_bytes("structure;first;last;größe\n1;1;7;x\n".encode("latin-1"))
    files = [str(tmp_path / name) for name in ("scan.nii", "labels.nii")]
    options = ["-o", str(tmp_path / "out.nii"), "--predictor", "nearest", "--ranges", str(tmp_path / "ranges.csv")]
    assert main(["predict", *files, *options, "--axis", "k", "--range", "0", "8"]) == 0
    (tmp_path / "ranges.csv").write_text("structure;first\n1;1\n")
    assert main(["predict", *files, *options, "--axis", "k", "--range", "0", "8"]) == 2
    assert "has no column last" in capsys.readouterr().err


@pytest.mark.parametrize("row", ["a.nii,b.nii,3,17", "a.nii,b.nii,,"])
def test_a_row_with_more_values_than_columns_is_named(tmp_path, row):
    (tmp_path / "table.csv").write_text(f"image,labels,painted\nc.nii,d.nii,1\n{row}\n")
    with pytest.raises(InputError, match=r"line 3 of .*table\.csv has more values than there are columns"):
        find_cases(tmp_path / "table.csv", tmp_path / "out")


def test_a_fault_is_told_with_its_line_wherever_tables_are_read(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("image,labels\n\n,\na.nii,\n")
    for find in (lambda: find_cases(table, tmp_path / "out"), lambda: find_labelled_cases(table)):
        with pytest.raises(InputError, match=r"line 4 of .* lacks an image or its labels"):
            find()


@pytest.mark.skipif(os.sep != "/", reason="there it is a path")
@pytest.mark.parametrize(
    "path", [r"C:\scans\a_labels.nii", r"scans\a_labels.nii", r"\\server\share\a_labels.nii", r"..\a_labels.nii"]
)
def test_a_path_of_windows_is_told_as_one(tmp_path, capsys, path):
    (tmp_path / "table.csv").write_text(f"image,labels\na_image.nii,{path}\n")
    (tmp_path / "a_image.nii").touch()
    assert main(["predict", str(tmp_path / "table.csv"), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "does not exist: it is written as on Windows; write the path that the file has on this machine" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["file:///data/a.nii", "https://x.org/a.nii", "smb://server/a.nii", "s3://x/a.nii"])
def test_an_address_is_no_path(tmp_path, capsys, address):
    assert main(["predict", address, "labels.nii", "-o", str(tmp_path / "o.nii")]) == 2
    assert "that is an address; give the path of a file on this machine" in capsys.readouterr().err


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\xa0", "\u200e ", " \u2060"])
def test_blanks_that_cannot_be_seen_do_not_count(tmp_path, blank):
    path = tmp_path / "table.csv"
    path.write_text(f"{blank}image{blank},labels\n{blank}a.nii,b.nii{blank}\n", encoding="utf-8")
    assert read_table(path) == [{"image": "a.nii", "labels": "b.nii"}]


@pytest.mark.parametrize("text", ["2,5,9", "2-5 9", "2-5,7-9", "1;2;3"])
@pytest.mark.parametrize("column", ["range", "range_of"])
def test_a_range_of_three_planes_is_refused_not_cut_to_its_ends(text, column):
    if column == "range_of":
        text = f"liver:{text.replace(';', ' ')}"
    with pytest.raises(ValueError, match="is no range: write its first and last plane, as 10-80"):
        said_in({column: text})


@pytest.mark.parametrize("text", ["2-9", "2 9", "2,9"])
def test_a_range_is_two_planes(text):
    assert said_in({"range": text}).plane_range == (2, 9)
    assert said_in({"range_of": f"liver:{text}"}).range_of == (("liver", (2, 9)),)


@pytest.mark.parametrize("path", ["$HOME/a.nii", "${DATA}/a.nii", "data/*_image.nii", "a?.nii"])
def test_what_only_a_shell_replaces_is_told(tmp_path, capsys, path):
    assert main(["predict", path, "labels.nii", "-o", str(tmp_path / "o.nii")]) == 2
    assert "for only a shell replaces $NAME, * and ?" in capsys.readouterr().err
