"""The whole way on a real scan, against the library alone."""

import numpy as np
import pytest
from real_case import paint_suggested, start
from SparseAnnotateLib.jobs import LocalRunner
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession


@pytest.mark.slow
def test_a_scan_through_the_scene_ends_as_the_library_alone_has_it(scene, real_data, tmp_path):
    session, expert = start(scene, real_data / "MSD_hippocampus_014")
    planes = paint_suggested(session, expert, 6)
    with LocalRunner(tmp_path / "jobs") as runner:
        submit(session, runner, "shape").wait()
    session.review.accept()
    save_scene(scene, tmp_path / "case.mrb")
    scene.Clear(False)
    load_scene(scene, tmp_path / "case.mrb")
    (again,) = AnnotationSession.all_in(scene)
    present = again.look()
    alone = run(PREDICTORS.create("shape"), again.volume, expert.paint(planes))
    assert np.array_equal(present.layers.labels, alone.labels)
    assert present.painted == planes
    again.close()
