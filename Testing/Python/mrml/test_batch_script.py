"""The batch script, as CI runs it: plain Python on slicer-core."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.cli import build_parser
from SparseAnnotateLib.commands.cohort.cases import find_painted_cases
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.io import read_labels
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateSlicer.batch import command
from SparseAnnotateSlicer.scene.files import load_scene, save_scene, write_copy
from SparseAnnotateSlicer.scene.segments import read_segments
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras, volume_from_node
from SparseAnnotateSlicer.session.session import AnnotationSession

SCRIPT = Path(__file__).resolve().parents[3] / "SparseAnnotate" / "Scripts" / "sparse_annotate_batch.py"
SHAPE = (9, 12, 12)


@pytest.fixture
def saved(scene, tmp_path):
    """A half-painted scene with a session, saved as scan.mrb; its annotation, and the volume as the library sees it."""
    volume_node = add_volume(scene, shape=SHAPE, grid="oblique")
    node = add_segmentation(scene, volume_node)
    for number, segment_id in enumerate(ids_of(node)):
        mask = np.zeros(SHAPE, bool)
        mask[2, 2:9, 2 + 4 * number : 5 + 4 * number] = True
        mask[6, 4:9, 2 + 4 * number : 6 + 4 * number] = True
        paint(node, segment_id, volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    session.set_range(1, 7)
    session.mark(7, "empty")
    session.state.predictor = "shape"
    session.save()
    annotation, volume = session.annotation(), session.volume
    save_scene(scene, tmp_path / "scan.mrb")
    write_copy(volume_node, tmp_path / "ct.nrrd")
    write_copy(node, tmp_path / "by hand.seg.nrrd")
    session.close()
    scene.Clear(False)
    return annotation, volume


@pytest.fixture
def rich(scene, tmp_path):
    """A scene whose session says all that one can say; its annotation, the volume, and the predictor's options."""
    volume_node = add_volume(scene, shape=SHAPE)
    node = add_segmentation(scene, volume_node)
    for number, segment_id in enumerate(ids_of(node)):
        mask = np.zeros(SHAPE, bool)
        mask[2, 2:9, 2 + 4 * number : 5 + 4 * number] = True
        mask[6, 4:9, 2 + 4 * number : 6 + 4 * number] = True
        paint(node, segment_id, volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    session.set_range(1, 7)
    session.set_range(2, 6, ids_of(node)[0])
    session.box_node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    session.box_node.SetSize(10, 10, 9)
    session.box_node.SetCenter((ijk_to_ras(volume_node) @ (5.5, 5.5, 4.0, 1.0))[:3])
    options = {"interpolation": "linear", "seed": 3}
    session.state.predictor, session.state.predictor_options = "shape", options
    session.save()
    annotation, volume = session.annotation(), session.volume
    save_scene(scene, tmp_path / "rich.mrb")
    session.close()
    scene.Clear(False)
    return annotation, volume, options


def in_a_shell(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=900)


def test_predicts_a_scene_in_plain_python_with_what_its_session_says(scene, saved, tmp_path):
    annotation, volume = saved
    done = in_a_shell("predict", tmp_path / "scan.mrb", tmp_path / "scan.mrb", "-o", tmp_path / "out put.mrb")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "axis k: 3 painted of the 7 planes 1 to 7" in done.stdout
    load_scene(scene, tmp_path / "out put.mrb")
    node = scene.GetFirstNodeByName("out put result")
    volume_node = scene.GetFirstNodeByName("CT")
    labels = read_segments(node, volume_node, volume_from_node(volume_node, "k")).labels
    assert np.array_equal(labels, run(PREDICTORS.create("shape"), volume, annotation).labels)
    assert scene.GetFirstNodeByName("Segmentation") is not None


def test_hands_exit_code_and_message_to_the_shell(tmp_path):
    done = in_a_shell("predict", tmp_path / "missing.mrb", tmp_path / "missing.mrb", "-o", tmp_path / "out.nrrd")
    assert done.returncode == 2
    assert "missing.mrb does not exist" in done.stdout


class TestInThisProcess:
    """The same code without starting Python anew."""

    def test_predicts_a_scene_into_a_file(self, saved, tmp_path):
        annotation, volume = saved
        scan, result = str(tmp_path / "scan.mrb"), tmp_path / "result.seg.nrrd"
        assert command.run(["predict", scan, scan, "-o", str(result)]) == 0
        expected = run(PREDICTORS.create("shape"), volume, annotation).labels
        file = read_labels(result, volume)
        assert np.array_equal(file.labels, expected)
        assert [one.name for one in file.classes] == ["liver", "tumour"]

    @pytest.mark.usefixtures("saved")
    def test_takes_files_as_the_command_line_does(self, tmp_path):
        files = [str(tmp_path / name) for name in ("ct.nrrd", "by hand.seg.nrrd")]
        result = str(tmp_path / "result.nii.gz")
        assert command.run(["predict", *files, "-o", result, "--predictor", "nearest", "--axis", "k"]) == 0
        assert (tmp_path / "result.nii.gz").exists()

    @pytest.mark.usefixtures("saved")
    def test_lets_arguments_overrule_the_session(self, tmp_path, capsys):
        scan = str(tmp_path / "scan.mrb")
        arguments = ["predict", scan, scan, "-o", str(tmp_path / "a.nrrd"), "--range", "2", "7", "--predictor=nearest"]
        assert command.run(arguments) == 0
        assert "3 painted of the 6 planes 2 to 7" in capsys.readouterr().out

    @pytest.mark.usefixtures("saved")
    def test_suggests_planes_of_a_scene(self, tmp_path, capsys):
        scan = str(tmp_path / "scan.mrb")
        assert command.run(["suggest", scan, f"--labels={scan}", "--count", "2", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["range"] == [1, 7]
        assert not {2, 6} & set(answer["planes"])

    @pytest.mark.usefixtures("saved")
    def test_simulates_on_a_scene(self, tmp_path, capsys):
        scan = str(tmp_path / "scan.mrb")
        assert command.run(["simulate", scan, scan, "--count", "2", "--predictor", "nearest"]) == 0
        assert "Dice" in capsys.readouterr().out

    def test_hands_over_ranges_of_segments_the_box_and_the_predictors_options(self, rich, tmp_path, monkeypatch):
        annotation, volume, options = rich
        scan, result = str(tmp_path / "rich.mrb"), tmp_path / "result.seg.nrrd"
        assert command.run(["predict", scan, scan, "-o", str(result)]) == 0
        expected = run(PREDICTORS.create("shape", options), volume, annotation).labels
        assert not (expected[[1, 7]] == 1).any()
        assert np.array_equal(read_labels(result, volume).labels, expected)
        said = []
        monkeypatch.setattr("SparseAnnotateLib.cli.main", lambda arguments: said.extend(arguments) or 0)
        command.run(["predict", scan, scan, "-o", str(result), "--quiet"])
        assert " --box 0 8 1 10 1 10 " in " ".join(said)
        assert " --predictor shape --set interpolation=linear --set seed=3 " in " ".join(said)
        assert said[-1] == "--quiet"

    @pytest.mark.usefixtures("rich")
    def test_options_are_those_of_the_sessions_predictor_only(self, tmp_path, capsys):
        scan = str(tmp_path / "rich.mrb")
        common = ["predict", scan, scan, "-o", str(tmp_path / "a.nrrd")]
        assert command.run([*common, "--predictor", "nearest"]) == 0
        assert command.run([*common, "--set", "interpolation=no such thing"]) == 2
        assert "interpolation" in capsys.readouterr().out

    def test_hands_over_only_the_segments_of_the_session(self, scene, tmp_path):
        volume_node = add_volume(scene, shape=SHAPE)
        node = add_segmentation(scene, volume_node)
        first, second = ids_of(node)
        for number, segment_id in enumerate((first, second)):
            mask = np.zeros(SHAPE, bool)
            mask[[2, 6], 2:9, 2 + 4 * number : 5 + 4 * number] = True
            paint(node, segment_id, volume_node, mask)
        session = AnnotationSession.start(volume_node, node, "k", [second])
        session.state.predictor = "nearest"
        session.save()
        volume = session.volume
        save_scene(scene, tmp_path / "part.mrb")
        session.close()
        scene.Clear(False)
        scan, result = str(tmp_path / "part.mrb"), tmp_path / "result.seg.nrrd"
        assert command.run(["predict", scan, scan, "-o", str(result)]) == 0
        file = read_labels(result, volume)
        assert [one.name for one in file.classes] == ["tumour"]
        assert file.labels[4].any()

    def test_evaluates_scenes_whose_segmentation_is_the_reference(self, scene, tmp_path):
        folder = tmp_path / "scenes"
        folder.mkdir()
        for number in (1, 2):
            volume_node = add_volume(scene, shape=SHAPE)
            node = add_segmentation(scene, volume_node, names=("liver",))
            mask = np.zeros(SHAPE, bool)
            mask[1:8, 2:9, number : 5 + number] = True
            paint(node, ids_of(node)[0], volume_node, mask)
            save_scene(scene, folder / f"case{number}.mrb")
            scene.Clear(False)
        arguments = ["-o", str(tmp_path / "out"), "--predictors", "nearest", "--fractions", "0.4", "--workers", "1"]
        assert command.run(["evaluate", str(folder), *arguments]) == 0
        table = tmp_path / "cases.csv"
        table.write_text(
            "image,labels,name\n" + "".join(f"scenes/case{n}.mrb,scenes/case{n}.mrb,{n}\n" for n in (1, 2))
        )
        assert command.run(["evaluate", str(table), *arguments, "--plan"]) == 0
        found = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.csv"))
        assert "case1" in found
        assert "case2" in found

    def test_trains_on_scenes_with_what_their_sessions_say(self, saved, tmp_path, monkeypatch):
        annotation, volume = saved
        folder = tmp_path / "scenes"
        folder.mkdir()
        (tmp_path / "scan.mrb").rename(folder / "scan.mrb")
        loaded = []

        def look(arguments):
            given = build_parser().parse_args(arguments)
            (case,) = find_painted_cases(given.data)
            loaded.append((given.axis, replace(case, view=View(given.axis)).load()))
            return 0

        monkeypatch.setattr("SparseAnnotateLib.cli.main", look)
        assert command.run(["cohort", "train", str(folder), "-o", str(tmp_path / "m.safetensors")]) == 0
        ((axis, scan),) = loaded
        assert (axis, scan.name) == ("k", "scan")
        assert np.array_equal(scan.volume.intensities, volume.intensities)
        assert np.array_equal(scan.annotation.labels, annotation.labels)
        assert np.array_equal(scan.annotation.known, annotation.known)
        assert [one.name for one in scan.annotation.classes] == ["liver", "tumour"]

    def test_asks_for_a_name_where_a_scene_holds_two_volumes(self, scene, tmp_path, capsys):
        for name in ("CT", "MR"):
            node = add_segmentation(scene, add_volume(scene, name=name), name=f"{name} labels")
            paint(node, ids_of(node)[0], scene.GetFirstNodeByName(name), np.indices((6, 7, 8))[0] % 3 == 1)
        save_scene(scene, tmp_path / "two.mrb")
        scene.Clear(False)
        scan = str(tmp_path / "two.mrb")
        output = ["-o", str(tmp_path / "a.nrrd"), "--predictor", "nearest"]
        assert command.run(["predict", scan, scan, *output]) == 2
        assert "as two.mrb#NAME; there are: CT, MR" in capsys.readouterr().out
        assert command.run(["predict", f"{scan}#MR", f"{scan}#MR labels", *output]) == 0

    def test_predicts_a_dicom_folder(self, tmp_path):
        import SimpleITK

        folder = tmp_path / "series"
        folder.mkdir()
        writer = SimpleITK.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        for number in range(5):
            image = SimpleITK.GetImageFromArray(np.full((1, 8, 8), number * 10, np.int16))
            tags = {"0008|0060": "CT", "0020|000e": "1.2.3.4", "0020|000d": "1.2.3", "0008|0018": f"1.2.3.4.{number}"}
            tags |= {"0020|0032": f"0\\0\\{number * 3}", "0020|0037": "1\\0\\0\\0\\1\\0", "0020|0013": str(number)}
            for tag, value in tags.items():
                image.SetMetaData(tag, value)
            writer.SetFileName(str(folder / f"{number}.dcm"))
            writer.Execute(image)
        labels = np.zeros((5, 8, 8), np.uint8)
        labels[[1, 3], 2:6, 2:6] = 1
        image = SimpleITK.GetImageFromArray(labels)
        image.SetSpacing((1, 1, 3))
        SimpleITK.WriteImage(image, str(tmp_path / "labels.nrrd"))
        output = tmp_path / "out.nrrd"
        arguments = ["predict", str(folder), str(tmp_path / "labels.nrrd"), "-o", str(output), "--predictor", "nearest"]
        assert command.run(arguments) == 0
        assert SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(output)))[2, 2:6, 2:6].all()
