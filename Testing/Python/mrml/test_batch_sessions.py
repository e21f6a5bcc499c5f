"""What a session says arrives at the command line: a scene predicted in a batch gives what the panel gives."""

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.commands import _batch
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateLib.jobs.cases import said_in
from SparseAnnotateSlicer.batch import command
from SparseAnnotateSlicer.batch.arguments import columns_of
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session import initial, prediction
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (20, 30, 32)
LIVER, SPLEEN = (slice(4, 26), slice(2, 15)), (slice(6, 24), slice(17, 30))


@pytest.fixture
def session(scene):
    volume_node = add_volume(scene, shape=SHAPE, grid="oblique")
    return AnnotationSession.start(volume_node, add_segmentation(scene, volume_node, ("liver", "spleen")), "k")


def draw(session, number, planes, where):
    node, volume = session.segmentation_node, session.volume_node
    segment_id = ids_of(node)[number]
    mask = held(session, segment_id)
    mask[(list(planes), *where)] = 1
    paint(node, segment_id, volume, mask)


def held(session, segment_id):
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(session.segmentation_node, segment_id, session.volume_node).copy()


def own_planes(session):
    draw(session, 0, [3, 8, 13], LIVER)
    draw(session, 1, [5, 9, 16], SPLEEN)


def own_planes_without_a_range(session):
    own_planes(session)
    session.set_range(2, 15, session.segment_ids[0])


def ranges_of_each(session):
    own_planes(session)
    session.set_range(2, 15, session.segment_ids[0])
    session.set_range(4, 18, session.segment_ids[1])


def marks(session):
    own_planes(session)
    session.set_range(1, 18)
    liver, spleen = session.segment_ids
    session.mark_segment(8, spleen, True)
    session.mark_segment(13, liver, False)
    session.mark(17, "empty")
    draw(session, 0, [15], LIVER)
    session.mark(15, "partly")


def slivers(session):
    draw(session, 0, [3, 8, 13], LIVER)
    draw(session, 1, [3, 8, 13], SPLEEN)
    draw(session, 0, [9], (slice(10, 12), slice(5, 7)))
    session.set_range(2, 15)


def strokes(session):
    draw(session, 0, [3, 8, 13], LIVER)
    draw(session, 1, [3, 8, 13], SPLEEN)
    draw(session, 0, range(5, 12), (slice(4, 20), 9))
    session.say_strokes([5, 6, 7, 9, 10, 11], [8])
    session.set_range(2, 15)


def another_view(session):
    draw(session, 0, [3, 8, 13], LIVER)
    draw(session, 1, [3, 8, 13], SPLEEN)
    draw(session, 0, range(3, 14), (slice(4, 26), 9))
    session.say_strokes([4, 5, 6, 7, 9, 10, 11, 12], [])
    session.set_range(2, 15)
    assert session.look().along == {2: (9,)}


def a_program_made_it(session):
    """Filled by a program, and corrected on two planes; without a range."""
    draw(session, 0, range(3, 16), (slice(6, 24), slice(4, 13)))
    draw(session, 1, range(6, 18), (slice(8, 22), slice(19, 28)))
    initial.say_program(session)
    session.review.accept([9, 4])
    draw(session, 0, [9], LIVER)
    draw(session, 1, [9], SPLEEN)
    initial.check_as_it_is(session, 4)


def written_around_strokes(session):
    """What was accepted around the user's own voxels is not theirs."""
    own_planes(session)
    session.set_range(2, 17)
    with InlineRunner() as runner:
        prediction.submit(session, runner, "nearest").wait()
    session.review.accept([4, 5, 8, 9, 10])


SITUATIONS = [
    own_planes,
    own_planes_without_a_range,
    ranges_of_each,
    marks,
    slivers,
    strokes,
    another_view,
    written_around_strokes,
    a_program_made_it,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_a_saved_scene_is_predicted_with_all_that_its_session_says(scene, session, tmp_path, monkeypatch, situation):
    situation(session)
    session.state.predictor = "nearest"
    session.save()
    expected, volume = prediction.annotation_of(session, session.look()), session.volume
    save_scene(scene, tmp_path / "scan.mrb")
    with InlineRunner() as runner:
        labels = prediction.submit(session, runner).wait().labels
    session.close()
    scene.Clear(False)
    seen = []
    run_one = _batch.run_one
    monkeypatch.setattr(_batch, "run_one", lambda *a, **k: seen.append(a[3]) or run_one(*a, **k))
    scan, result = str(tmp_path / "scan.mrb"), tmp_path / "result.mrb"
    assert command.run(["predict", scan, scan, "-o", str(result)]) == 0
    (told,) = seen
    assert [one.details["ID"] for one in told.classes] == [one.details["ID"] for one in expected.classes]
    for name in ("labels", "known", "complete", "painted"):
        assert np.array_equal(getattr(told, name), getattr(expected, name)), name
    for name in ("plane_range", "class_ranges", "painted_along", "box"):
        assert getattr(told, name) == getattr(expected, name), name
    load_scene(scene, result)
    from SparseAnnotateSlicer.scene.segments import read_segments

    node, volume_node = scene.GetFirstNodeByName("result result"), scene.GetFirstNodeByName("CT")
    assert np.array_equal(read_segments(node, volume_node, volume).labels, labels)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_a_table_of_scenes_for_a_cohort_says_the_same(session, situation):
    situation(session)
    said, annotation = said_in(columns_of(session)), session.annotation()
    numbers = {one.details["ID"]: number for number, one in enumerate(annotation.classes, start=1)}
    for one, planes in said.complete:
        assert list(planes) == annotation.complete_planes_of(numbers[one])
    assert {numbers[one]: ends for one, ends in said.range_of} == dict(annotation.class_ranges)
    assert dict(said.painted_along) == {
        session.volume.axes[axis]: planes for axis, planes in annotation.painted_along.items()
    }


def suggested_in_batch(scene, session, folder):
    """What the session suggests; the batch has been asked for the same of its scene, which is closed."""
    chosen = session.suggest(3, "cover")
    session.state.suggestions = []
    session.save()
    save_scene(scene, folder / "scan.mrb")
    session.close()
    scene.Clear(False)
    scan = str(folder / "scan.mrb")
    assert command.run(["suggest", scan, f"--labels={scan}", "--count", "3", "--json"]) == 0
    return chosen


def test_suggestions_of_a_scene_are_those_of_its_session(scene, session, tmp_path, capsys):
    import json

    own_planes(session)
    session.set_range(2, 15, session.segment_ids[0])
    session.set_range(4, 18, session.segment_ids[1])
    chosen = suggested_in_batch(scene, session, tmp_path)
    answer = json.loads(capsys.readouterr().out)
    assert sorted(answer["planes"]) == sorted(one.plane for one in chosen)


@pytest.mark.parametrize("corrected", [True, False])
def test_slices_to_correct_are_those_that_the_session_suggests(scene, session, tmp_path, capsys, corrected):
    import json

    draw(session, 0, range(3, 16), (slice(6, 24), slice(4, 13)))
    draw(session, 1, range(6, 18), (slice(8, 22), slice(19, 28)))
    initial.say_program(session)
    if corrected:
        session.review.accept([9])
        draw(session, 0, [9], LIVER)
    chosen = suggested_in_batch(scene, session, tmp_path)
    told = capsys.readouterr().out
    # What was understood comes first: in a batch all of it goes to one stream.
    answer = json.loads(told[told.index("{") :])
    assert sorted(answer["planes"]) == sorted(one.plane for one in chosen)
