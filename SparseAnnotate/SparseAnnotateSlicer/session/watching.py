"""Ends a session when the scene takes away what it needs."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import slicer


def watch(session) -> Iterator[int]:
    """Observe a session's scene; yields the observers' tags.

    The scene holds no reference to the session, so that dropping one is enough to be rid of it.
    """
    reference = weakref.ref(session)

    def node_removed(*_):
        one = reference()
        if one is not None and not one.ended and one.is_orphan():
            one.end()

    def scene_closes(*_):
        one = reference()
        if one is not None:
            one.close()

    yield session.scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, node_removed)
    yield session.scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, scene_closes)
