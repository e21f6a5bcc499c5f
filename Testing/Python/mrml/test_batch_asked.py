"""`cohort suggest` on scenes: what the network asks for stands in the sessions of copies of them."""

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint

torch = pytest.importorskip("torch")

from cohort.models import bright_model  # noqa: E402
from SparseAnnotateLib.cohort import worklist  # noqa: E402
from SparseAnnotateLib.cohort.model import save_model  # noqa: E402
from SparseAnnotateSlicer.batch import command  # noqa: E402
from SparseAnnotateSlicer.scene.files import load_scene, save_scene  # noqa: E402
from SparseAnnotateSlicer.session.session import AnnotationSession  # noqa: E402

SHAPE = (9, 12, 12)
PAINTED = 4


@pytest.fixture
def folder(scene, tmp_path):
    """Two scenes with a plane painted, one of them with a session; and a model whose outputs differ."""
    (tmp_path / "scenes").mkdir()
    (tmp_path / "asked").mkdir()
    for name in ("a", "b"):
        volume_node = add_volume(scene, shape=SHAPE)
        node = add_segmentation(scene, volume_node, ("ball",))
        mask = np.zeros(SHAPE, bool)
        mask[PAINTED, 2:9, 2:9] = True
        paint(node, ids_of(node)[0], volume_node, mask)
        spacing = volume_node.GetSpacing()[::-1]
        if name == "a":
            session = AnnotationSession.start(volume_node, node, "k")
            session.set_range(2, 7)
            session.close()
        save_scene(scene, tmp_path / "scenes" / f"{name}.mrb")
        scene.Clear(False)
    model = bright_model(network="attention-unet3d", spacing_mm=spacing, class_names=("ball",), class_values=(1,))
    model.weights["from_attention.bias"][1] = -18
    save_model(model, tmp_path / "m.safetensors")
    return tmp_path


def suggest(folder, table) -> int:
    given = [str(folder / "m.safetensors"), str(folder / "scenes"), "-o", str(table), "--device", "cpu"]
    return command.run(["cohort", "suggest", *given, "--count", "4", "--per-scan", "2", "--distance", "1"])


def test_each_scene_gets_its_planes_and_stays_what_it_was(scene, folder):
    before = {path.name: path.read_bytes() for path in (folder / "scenes").iterdir()}
    assert suggest(folder, folder / "asked" / "asked.csv") == 0
    rows = worklist.read(folder / "asked" / "asked.csv")
    asked = worklist.waiting(rows)
    assert sorted(asked) == ["a", "b"]
    assert {row.image for row in rows} == {"a.mrb", "b.mrb"}
    assert [row.plane for row in rows if row.state == "painted"] == [PAINTED, PAINTED]
    assert {row.plane for row in rows if row.state == "outside"} == {0, 1, 8}  # of a, whose range is known
    scene.Clear(False)
    for name, planes in asked.items():
        load_scene(scene, folder / "asked" / f"{name}.mrb")
        (session,) = AnnotationSession.all_in(scene)
        assert [suggestion.plane for suggestion, _ in session.suggestions()] == [one.plane for one in planes]
        assert session.look().painted == [PAINTED]
        assert session.plane_range == ((2, 7) if name == "a" else None)
        session.close()
        scene.Clear(False)
    assert {path.name: path.read_bytes() for path in (folder / "scenes").iterdir()} == before


def test_scenes_are_not_written_over(folder, capsys):
    assert suggest(folder, folder / "scenes" / "asked.csv") == 2
    assert "give it a folder of its own" in capsys.readouterr().out
    assert not (folder / "scenes" / "asked.csv").exists()
