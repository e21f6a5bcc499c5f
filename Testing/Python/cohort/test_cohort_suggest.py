"""`cohort suggest`: the planes of many scans that a network asks for, and when the loop ends."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

torch = pytest.importorskip("torch")

from cohort.models import a_ball, bright_model  # noqa: E402
from SparseAnnotateLib.cli import main  # noqa: E402
from SparseAnnotateLib.cohort import worklist  # noqa: E402
from SparseAnnotateLib.cohort.applying.heads import Applying  # noqa: E402
from SparseAnnotateLib.cohort.applying.looking import look_at  # noqa: E402
from SparseAnnotateLib.cohort.model import CohortModel, save_model  # noqa: E402
from SparseAnnotateLib.cohort.worklist import PlaneRow, progress  # noqa: E402


def doubting_model() -> CohortModel:
    """Its first output takes what is bright for the ball, its second only what is very bright."""
    model = bright_model(network="attention-unet3d")
    model.weights["from_attention.bias"][1] = -18
    return model


def write(path, array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 2.0))
    sitk.WriteImage(image, str(path))


@pytest.fixture
def folder(tmp_path):
    """Two scans with painted planes, one that nobody has painted, and a model."""
    for number, name in enumerate("abc"):
        volume, labels = a_ball(18 + number, noise=5.0)
        write(tmp_path / "scans" / name / "image.nii.gz", volume.intensities)
        if name != "c":
            painted = np.zeros_like(labels)
            painted[[8, 11]] = labels[[8, 11]]
            write(tmp_path / "scans" / name / "labels.nii.gz", painted)
    save_model(doubting_model(), tmp_path / "m.safetensors")
    return tmp_path


def suggest(folder, *more, table="t.csv") -> int:
    given = [str(folder / "m.safetensors"), str(folder / "scans"), "-o", str(folder / table), "--device", "cpu"]
    return main(["cohort", "suggest", *given, *more])


def test_a_scan_is_looked_at_plane_by_plane():
    volume, labels = a_ball(noise=5.0)
    look = look_at(doubting_model(), volume, Applying(device="cpu"))
    inside = labels.any(axis=(1, 2))
    assert look.agreement.shape == look.uncertainty.shape == look.expected_dice.shape == (volume.planes,)
    assert look.agreement[inside].mean() < look.agreement[~inside].mean() == 1
    assert (look.uncertainty >= 0).all()
    assert look.uncertainty[inside].mean() > look.uncertainty[~inside].mean()
    assert (look.first > 0).sum() >= (look.labels > 0).sum() > 0


class TestCommand:
    def test_the_planes_of_all_scans_on_which_the_outputs_agree_least_are_asked_for(self, folder, capsys):
        assert suggest(folder, "--count", "5", "--distance", "2") == 0
        rows = worklist.read(folder / "t.csv")
        assert len(rows) == 18 + 19 + 20
        asked = [row for row in rows if row.order]
        assert [row.order for row in asked] == [1, 2, 3, 4, 5]
        assert [row.agreement for row in asked] == sorted(row.agreement for row in asked)
        for name in "abc":
            taken = sorted(row.plane for row in rows if row.scan == name and row.state in ("asked for", "painted"))
            assert min(np.diff(taken), default=2) >= 2
        assert {(row.scan, row.plane) for row in rows if row.state == "painted"} == {
            (name, plane) for name in "ab" for plane in (8, 11)
        }
        left = [row.agreement for row in rows if row.state == "left"]
        assert max(row.agreement for row in asked) <= min(left)
        assert {(row.image, row.labels) for row in rows if row.scan == "a"} == {
            ("scans/a/image.nii.gz", "scans/a/labels.nii.gz")
        }
        assert {row.labels for row in rows if row.scan == "c"} == {""}
        assert {(row.axis, row.classes) for row in asked} == {("k", "3=ball")}
        told = capsys.readouterr().out
        assert "5 planes of" in told
        assert "at least 2 apart" in told
        assert "mean P-DSC of 57 planes" in told

    def test_the_same_network_asked_again_says_that_the_loop_has_ended(self, folder, capsys):
        assert suggest(folder, "--count", "2", "-q") == 0
        assert suggest(folder, "--count", "2", "--before", str(folder / "t.csv"), "-q", table="u.csv") == 0
        assert "changed by +0.0000, less than 0.005: the loop has ended" in capsys.readouterr().out

    def test_no_more_than_so_many_of_a_scan(self, folder):
        assert suggest(folder, "--count", "9", "--per-scan", "1") == 0
        found = worklist.waiting(worklist.read(folder / "t.csv"))
        assert sorted(map(len, found.values())) == [1, 1, 1]

    def test_patterns_find_scans_without_labels_too(self, folder):
        patterns = ("--images", "*/image.nii.gz", "--labels", "*/labels.nii.gz")
        assert suggest(folder, "--count", "9", "--per-scan", "1", *patterns) == 0
        assert sorted(worklist.waiting(worklist.read(folder / "t.csv"))) == ["a", "b", "c"]

    def test_a_table_may_lack_labels_and_tell_the_range(self, folder):
        (folder / "list.csv").write_text("image,labels,name,range\nscans/c/image.nii.gz,,c,9-10\n")
        given = [str(folder / "m.safetensors"), str(folder / "list.csv"), "-o", str(folder / "t.csv"), "--count", "9"]
        assert main(["cohort", "suggest", *given, "--device", "cpu"]) == 0
        rows = worklist.read(folder / "t.csv")
        assert sorted(row.plane for row in rows if row.order) == [9, 10]
        assert {row.state for row in rows} == {"asked for", "outside"}

    def test_a_folder_for_the_tables_is_made(self, folder):
        assert suggest(folder, "--count", "1", table="asked/round1.csv") == 0
        rows = worklist.read(folder / "asked" / "round1.csv")
        assert {row.image for row in rows} == {f"../scans/{name}/image.nii.gz" for name in "abc"}

    def test_planes_that_were_asked_for_and_hold_nothing_are_not_asked_for_again(self, folder, capsys):
        """Of two planes of b one is painted, the other and that of c were looked at."""
        rows = [PlaneRow("b", 15, 0.1, "asked for", 1), PlaneRow("b", 9, 0.2, "asked for", 2)]
        rows += [PlaneRow("c", 10, 0.3, "asked for", 3), PlaneRow("c", 11, 0.4, "left")]
        (folder / "done.csv").write_text(worklist.as_csv(rows))
        _, labels = a_ball(19, noise=5.0)
        painted = np.where(np.isin(np.arange(19), [8, 9, 11])[:, None, None], labels, 0)
        write(folder / "scans" / "b" / "labels.nii.gz", painted)
        assert suggest(folder, "--count", "3", "--done", str(folder / "done.csv")) == 0
        told = "of the 3 planes asked for 2 hold no label and count as empty: b 15; c 10"
        assert told in capsys.readouterr().err
        painted = {(row.scan, row.plane) for row in worklist.read(folder / "t.csv") if row.state == "painted"}
        assert painted == {("a", 8), ("a", 11), ("b", 8), ("b", 9), ("b", 11), ("b", 15), ("c", 10)}

    def test_what_is_done_must_be_of_these_scans_and_this_axis(self, folder, capsys):
        (folder / "done.csv").write_text(worklist.as_csv([PlaneRow("z", 15, 0.1, "asked for", 1)]))
        assert suggest(folder, "--count", "3", "--done", str(folder / "done.csv")) == 2
        assert "asks for planes of the scan 'z', which is not there: there are a, b, c" in capsys.readouterr().err
        (folder / "done.csv").write_text(worklist.as_csv([PlaneRow("a", 15, 0.1, "asked for", 1, axis="i")]))
        assert suggest(folder, "--count", "3", "--done", str(folder / "done.csv")) == 2
        assert "counts planes along the axis i" in capsys.readouterr().err
        (folder / "done.csv").write_text(worklist.as_csv([PlaneRow("a", 8, 0.1, "asked for", 1)]))
        assert suggest(folder, "--count", "3", "--done", str(folder / "done.csv"), table="done.csv") == 2
        assert "must not be lost" in capsys.readouterr().err

    def test_a_plain_network_is_refused(self, folder, capsys):
        save_model(bright_model(), folder / "m.safetensors")
        assert suggest(folder, "--count", "1") == 2
        assert "one output" in capsys.readouterr().err
        assert not (folder / "t.csv").exists()

    def test_no_input_is_overwritten(self, folder, capsys):
        assert suggest(folder, "--count", "1") == 0
        assert suggest(folder, "--count", "1", "--before", str(folder / "t.csv")) == 2
        assert "t.csv" in capsys.readouterr().err

    def test_labels_without_an_image_are_told(self, folder, capsys):
        (folder / "scans" / "a" / "image.nii.gz").unlink()
        assert suggest(folder, "--count", "1") == 2
        assert "a in" in capsys.readouterr().err


def rows_of(*values, scan="a") -> list[PlaneRow]:
    return [PlaneRow(scan, plane, value, "left") for plane, value in enumerate(values)]


class TestEnd:
    def test_a_change_below_the_threshold_ends_the_loop_in_both_directions(self):
        for change in (0.0049, -0.0049):
            assert "has ended" in progress(rows_of(0.5, 0.7), rows_of(0.5 + change, 0.7 + change), "P-DSC")
        assert "go on" in progress(rows_of(0.5, 0.7), rows_of(0.49, 0.69), "P-DSC")

    def test_only_planes_of_both_rounds_are_compared(self):
        told = progress([*rows_of(0.5, 0.7), *rows_of(0.1, scan="b")], rows_of(0.5, 0.7), "P-accuracy")
        assert "mean P-accuracy of 3 planes: 0.4333" in told
        assert "(of the 2 planes of both rounds 0.6000)" in told
        assert "has ended" in told

    def test_other_scans_cannot_be_compared(self):
        assert "other scans" in progress(rows_of(0.5), rows_of(0.5, scan="b"), "P-DSC")

    def test_another_table_is_refused(self, tmp_path):
        from SparseAnnotateLib import InputError

        (tmp_path / "x.csv").write_text("name,planes\na,3\n")
        with pytest.raises(InputError, match="no table that"):
            worklist.read(tmp_path / "x.csv")
