"""A segmentation that a program made, to start from: another one of the scene, or what stood in the own segments.

It is a node that the session refers to, and is never changed. What it holds is shown as a prediction; planes that are
painted on it are corrections, from which the next prediction learns how it is wrong elsewhere.
"""

from __future__ import annotations

import numpy as np
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.initial import Initial
from SparseAnnotateLib.jobs.starting import before_edits
from SparseAnnotateLib.prediction import Prediction

from ..scene.segments import fingerprint, read_segments
from .annotated import AnnotatedVolume
from .planes import PlaneState, Present
from .ranges import ranges_in, same_names

# Of a copy that we made of the user's own segments: their IDs are the same.
_COPY = "SparseAnnotate.OfAProgram"
# Who made what stood in the segments before anybody painted here: not told yet, or told.
ASKED, EXPERT, PROGRAM = "asked", "expert", "program"
# Fewer planes in a row are painted by hand, or by a brush that reaches the next planes.
_FEWEST = 5


def looks_made(present: Present) -> bool:
    """Whether every plane from the first to the last that holds anything is filled, as a program leaves them."""
    planes = present.painted
    return len(planes) >= _FEWEST and planes[-1] - planes[0] + 1 == len(planes) and not present.parts


def ask_if_made(session: AnnotatedVolume, present: Present) -> None:
    """Have the user asked who made these planes, where a program may have."""
    state = session.state
    if not state.origin and session.initial_node is None and not state.predicted and looks_made(present):
        state.origin = ASKED
        state.asked_of = {plane: content for plane, content in enumerate(present.contents) if content}
        session.save()


def say_expert(session: AnnotatedVolume) -> None:
    """An expert painted what stands there: it counts as painted, as it did."""
    session.state.origin = EXPERT
    session.save()


def say_program(session) -> str:
    """A program made what stands there: it becomes the segmentation to start from, shown as a prediction.

    The user's segments are emptied, in one undoable step, and filled again by what is accepted. A copy keeps them.
    Planes that the user changed since that was asked stay, as corrections; what a program made of these is told from
    the planes beside them.

    Returns
    -------
    str
        The copy's name.
    """
    present, ids = session.look(), list(session.segment_ids)
    session.state.edited = _edited(session, present)
    session.state.corrected = sorted({*session.state.corrected, *session.state.edited})
    planes = [p for p, content in enumerate(present.contents) if content and p not in session.state.edited]
    node, own = _copied(session, present), session.segmentation_node
    session.state.origin = PROGRAM
    for plane in session.state.edited:
        if not present.contents[plane]:
            session.mark(plane, "empty")
    session.release(planes)
    session.review.ready_writer().write(session.volume, np.zeros(session.volume.shape, np.uint8), planes, ids)
    if own.GetDisplayNode() is not None:
        own.GetDisplayNode().SetVisibility(True)
    session.initial_node = node
    show_initial(session)
    return node.GetName()


def ask_again_if_taken_back(session, present: Present) -> bool:
    """After an undo of what `say_program` did: the slices are there again, and who made them is asked again."""
    state, node = session.state, session.initial_node
    if state.origin != PROGRAM or node is None or state.shown_from != node.GetName() or state.accepted:
        return False
    back = [
        plane
        for plane, content in enumerate(present.contents)
        if content and present.states[plane] not in (PlaneState.PAINTED, PlaneState.PARTLY, PlaneState.EMPTY)
    ]
    if not back:
        return False
    session.initial_node = None
    session.review.clear()
    for plane in back:
        state.contents.pop(plane, None)
    state.corrected = [plane for plane in state.corrected if plane not in state.edited]
    state.origin, state.shown_from, state.edited = ASKED, "", []
    session.save()
    return True


def _edited(session: AnnotatedVolume, present: Present) -> list[int]:
    """The planes that the user changed after it was asked who made them; none where most of them differ.

    Then it was an effect on the whole volume, such as smoothing.
    """
    before = session.state.asked_of
    found = [plane for plane, content in enumerate(present.contents) if content != before.get(plane, "")]
    return found if 2 * len(found) < len(before) else []


def take_up_again_if_redone(session, present: Present) -> bool:
    """After an undo of what `say_program` did and a redo: the slices are gone again, and its copy stands for them."""
    state = session.state
    if state.origin != ASKED or session.initial_node is not None or not state.asked_of:
        return False
    edited = [plane for plane, content in enumerate(present.contents) if content]
    copy = next((node for node in _copies(session) if not edited or _holds(session, node, present, edited)), None)
    if copy is None or any(present.contents[plane] == content for plane, content in state.asked_of.items()):
        return False
    state.origin, state.edited = PROGRAM, edited
    state.corrected = sorted({*state.corrected, *edited})
    made = [plane for plane in state.asked_of if plane not in edited]
    session.remember(made, [state.asked_of.get(plane, "") for plane in range(len(present.contents))])
    session.initial_node = copy
    show_initial(session)
    return True


def _copies(session) -> list:
    """Those that were made of the user's segmentation, the newest first."""
    scene, kind = session.scene, "vtkMRMLSegmentationNode"
    nodes = [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
    return [one for one in reversed(nodes) if one.GetAttribute(_COPY) == session.segmentation_node.GetID()]


def _copied(session, present: Present):
    """A copy of the user's segmentation, not shown; the one that is there, where that holds the same."""
    own = session.segmentation_node
    same = next((node for node in _copies(session) if _holds(session, node, present)), None)
    if same is not None:
        return same
    name = f"{own.GetName()} of a program"
    node = session.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", session.scene.GenerateUniqueName(name))
    node.GetSegmentation().DeepCopy(own.GetSegmentation())
    node.SetAttribute(_COPY, own.GetID())
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility(False)
    node.SetAndObserveTransformNodeID(own.GetTransformNodeID())
    return node


def _holds(session, node, present: Present, planes=slice(None)) -> bool:
    """Whether another segmentation holds the same on these planes, under the same segment IDs."""
    there = node.GetSegmentation()
    ids = list(session.segment_ids)
    if any(there.GetSegment(one) is None for one in ids):
        return False
    layers = read_segments(node, session.volume_node, session.volume, ids)
    return bool(np.array_equal(layers.labels[planes], present.layers.labels[planes]))


def start_from(session, segmentation_node) -> None:
    """Start from another segmentation, which stays as it is; None for none.

    Raises
    ------
    InputError
        Where it has no structure in common with the session's, or lies elsewhere.
    """
    if segmentation_node is not None:
        ranges_in(session, segmentation_node, matches_in(session, segmentation_node))
    session.initial_node, session.state.edited = segmentation_node, []
    session.save()
    if segmentation_node is not None and not session.state.predicted:
        show_initial(session)


def show_initial(session) -> None:
    """Show what the program made as a prediction, on the planes that nobody painted."""
    ids = [one for one in session.segment_ids if one in matches_in(session, session.initial_node)]
    labels = labels_of(session, ids)
    session.review.show(Prediction(labels), ids, shown_range(session, labels, session.look()))
    session.state.shown_from = session.initial_node.GetName()
    session.save()


def shown_range(session: AnnotatedVolume, labels: np.ndarray, present: Present) -> tuple[int, int]:
    """The range that the user said, else the planes from the first to the last that labels or the user fill."""
    if session.plane_range is not None:
        return session.plane_range
    planes = sorted({*np.flatnonzero(labels.any(axis=(1, 2))).tolist(), *present.painted, *present.parts})
    return (planes[0], planes[-1]) if planes else (0, len(labels) - 1)


def matches_in(session: AnnotatedVolume, segmentation_node) -> dict[str, str]:
    """The session's segments and those of the segmentation to start from: by their names, of a copy by their IDs."""
    there = segmentation_node.GetSegmentation()
    if segmentation_node.GetAttribute(_COPY):
        return {one: one for one in session.segment_ids if there.GetSegment(one) is not None}
    return same_names(session, segmentation_node)


def segments_of(session: AnnotatedVolume) -> list[str]:
    """The session's segments that the segmentation to start from has, too; none without one."""
    node = session.initial_node
    return [] if node is None else list(matches_in(session, node))


def ends_of(session: AnnotatedVolume) -> dict[str, tuple[int, int]]:
    """First and last plane of each segment in the segmentation to start from; none without one."""
    node = session.initial_node
    try:
        return {} if node is None else ranges_in(session, node, matches_in(session, node))
    except InputError:
        return {}


def labels_of(session: AnnotatedVolume, segment_ids) -> np.ndarray:
    """What the program made, uint8 (planes, rows, columns), n standing for ``segment_ids[n - 1]``.

    On planes that the user changed before it was known who made them, as the planes beside them have it.
    """
    node = session.initial_node
    matches = matches_in(session, node)
    there = [one for one in segment_ids if one in matches]
    layers = read_segments(node, session.volume_node, session.volume, [matches[one] for one in there])
    numbers = np.zeros(len(there) + 1, np.uint8)
    numbers[1:] = [list(segment_ids).index(one) + 1 for one in there]
    labels = numbers[layers.labels]
    edited = session.state.edited
    before = before_edits(labels, edited, session.volume.spacing_mm) if edited else None
    return labels if before is None else before


def initial_of(session: AnnotatedVolume, classes) -> Initial | None:
    """What a job starts from; None without it."""
    if session.initial_node is None:
        return None
    return Initial(labels_of(session, [one.details["ID"] for one in classes]), tuple(classes))


def stamp(session: AnnotatedVolume) -> tuple | None:
    """Changes whenever the segmentation to start from does; None without one."""
    node = session.initial_node
    if node is None:
        return None
    return node.GetID(), fingerprint(node, session.volume_node, node.GetSegmentation().GetSegmentIDs())


def check_as_it_is(session, plane: int) -> None:
    """The user looked at a plane that was accepted and found it right: it counts as painted, as long as it stays so."""
    present = session.look()
    if present.contents[plane]:
        session.state.checked[plane] = present.contents[plane]
        session.save()
    else:
        session.mark(plane, "empty")
