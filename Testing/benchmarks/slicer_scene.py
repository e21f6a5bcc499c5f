"""A large volume through Slicer's scene: seconds and peak memory of every step, on the slicer-core wheel.

    python Testing/benchmarks/slicer_scene.py [--shape 300 512 512] [--predictor nearest]

Three segments on a few planes are read, predicted in a worker process, shown, accepted, undone and saved.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SparseAnnotate"))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def step(name: str):
    start = time.perf_counter()
    yield
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    say(f"{name:28} {time.perf_counter() - start:6.2f} s   peak so far {peak_gb:.2f} GB")


def painted_masks(shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Three balls beside each other, on every tenth plane."""
    planes, rows, columns = (np.linspace(-1, 1, size) for size in shape)
    masks = []
    for centre in (-0.5, 0.0, 0.5):
        mask = np.zeros(shape, np.uint8)
        for plane in range(5, shape[0], 10):
            square = planes[plane] ** 2 + rows[:, None] ** 2 + (columns - centre) ** 2
            mask[plane] = square < 0.2
        masks.append(mask)
    return masks


def make_nodes(scene, shape: tuple[int, int, int]):
    """A volume node of 16-bit noise, and a segmentation painted through the segments' own label maps."""
    import slicer
    from SparseAnnotateSlicer.scene.interpolator import identity_image

    volume_node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    noise = np.random.default_rng(0).integers(-1000, 1000, shape, dtype=np.int16)
    volume_node.SetAndObserveImageData(identity_image(noise))
    volume_node.SetSpacing(0.7, 0.7, 1.0)
    segmentation_node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation_node.CreateDefaultDisplayNodes()
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    for number, mask in enumerate(painted_masks(shape)):
        segment_id = segmentation_node.GetSegmentation().AddEmptySegment("", f"ball {number}")
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation_node, segment_id, volume_node)
    return volume_node, segmentation_node


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", nargs=3, type=int, default=(300, 512, 512), metavar=("PLANES", "ROWS", "COLUMNS"))
    parser.add_argument("--predictor", default="nearest")
    arguments = parser.parse_args()
    from SparseAnnotateLib.jobs import LocalRunner
    from SparseAnnotateSlicer.scene.files import save_scene
    from SparseAnnotateSlicer.scene.headless import headless_scene
    from SparseAnnotateSlicer.session.prediction import submit
    from SparseAnnotateSlicer.session.session import AnnotationSession

    scene = headless_scene().scene
    with step("make the nodes"):
        nodes = make_nodes(scene, tuple(arguments.shape))
    with step("start a session"):
        session = AnnotationSession.start(*nodes, "k")
    with step("look at the segments"):
        painted = session.look().painted
    with step("annotation"):
        session.annotation()
    with LocalRunner() as runner:
        with step("submit"):
            running = submit(session, runner, arguments.predictor)
        with step("write, predict, read"):
            running.handle.wait()
        with step("check and show the preview"):
            running.finish()
    with step("accept all"):
        planes = session.review.accept()
    with step("undo"):
        session.review.undo()
    with step("redo"):
        session.review.redo()
    with step("accepted, look again"):
        assert session.look().painted == painted
    with tempfile.TemporaryDirectory() as folder, step("save as .mrb"):
        save_scene(scene, Path(folder) / "scene.mrb")
    worker_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    say(f"{len(planes)} planes accepted; peak of the worker {worker_gb:.2f} GB")
    session.close()


if __name__ == "__main__":
    main()
