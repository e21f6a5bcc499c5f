"""The whole way on a real scan: load, session, suggest, paint, predict, accept. Run it to draw docs/slicer_*.png."""

import sys
from pathlib import Path

import numpy as np
from nodes import add_segmentation, ids_of, paint
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.io import read_labels
from SparseAnnotateSlicer.scene.files import load_volume
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession


def start(scene, case: Path):
    """A session on a real scan with an empty segmentation, and the simulated expert who knows the truth."""
    volume_node = load_volume(scene, case / "image.nii.gz")
    session_volume = AnnotationSession.start(volume_node, add_segmentation(scene, volume_node, ()), "k")
    file = read_labels(case / "label.nii.gz", session_volume.volume)
    session_volume.end()
    expert = SimulatedExpert(file.labels, file.classes)
    node = add_segmentation(scene, volume_node, [one.name for one in expert.classes], name="expert")
    return AnnotationSession.start(volume_node, node, "k"), expert


def paint_suggested(session, expert, count: int) -> list[int]:
    """The expert clicks first and last plane and paints what is suggested, through the segments."""
    session.set_range(*expert.plane_range)
    planes = sorted(one.plane for one in session.suggest(count, "keep-n"))
    for number, segment_id in enumerate(ids_of(session.segmentation_node), start=1):
        mask = np.zeros(expert.reference.shape, np.uint8)
        mask[planes] = expert.reference[planes] == number
        paint(session.segmentation_node, segment_id, session.volume_node, session.volume.to_file_order(mask))
    return planes


def middle_of_plane(session, plane: int):
    """RAS of the middle voxel of a plane along k."""
    i, j, _ = session.volume.geometry.size
    return (ijk_to_ras(session.volume_node) @ ((i - 1) / 2, (j - 1) / 2, plane, 1.0))[:3]


def draw(headless, session, planes, folder: Path) -> None:
    """Pictures before and after accepting: one painted plane and two predicted ones, across them, and in 3-D."""
    from PIL import Image
    from rendering import SliceView, SpaceView, titled_row

    red, green = SliceView(headless, "Red", (330, 330)), SliceView(headless, "Green", (330, 330))
    middle = planes[len(planes) // 2]
    between = (middle + planes[len(planes) // 2 + 1]) // 2

    def pictures():
        for plane in (middle, between):
            yield red.show(session.volume_node, middle_of_plane(session, plane)).image()
        yield green.show(session.volume_node, middle_of_plane(session, middle), "Sagittal").image()

    titles = [f"plane {middle}, painted", f"plane {between}, predicted", "across: painted filled, predicted pale"]
    Image.fromarray(titled_row(titles, list(pictures()))).save(folder / "slicer_preview.png")
    session.review.accept()
    session.segmentation_node.CreateClosedSurfaceRepresentation()
    space = SpaceView(headless, size=(330, 330))
    titles = [f"plane {middle}, painted", f"plane {between}, accepted", "across, all accepted", "in 3-D"]
    shown = [*pictures(), space.image()]
    Image.fromarray(titled_row(titles, shown)).save(folder / "slicer_accepted.png")
    for view in (red, green, space):
        view.close()


def main(case: str, folder: str) -> None:
    """Draw the pictures of docs/design/slicer.md."""
    from SparseAnnotateLib.jobs import LocalRunner
    from SparseAnnotateSlicer.scene.headless import headless_scene

    headless = headless_scene()
    session, expert = start(headless.scene, Path(case))
    colours = ((0.95, 0.75, 0.2), (0.2, 0.7, 0.95), (0.9, 0.3, 0.35), (0.4, 0.85, 0.4))
    segmentation = session.segmentation_node.GetSegmentation()
    for number, segment_id in enumerate(ids_of(session.segmentation_node)):
        segmentation.GetSegment(segment_id).SetColor(*colours[number % len(colours)])
    planes = paint_suggested(session, expert, 5)
    with LocalRunner() as runner:
        submit(session, runner, "guided").wait()
    draw(headless, session, planes, Path(folder))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "SparseAnnotate"))
    main(*sys.argv[1:])
