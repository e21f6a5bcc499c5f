"""Nodes of the scene as such."""

from __future__ import annotations


def remove_with_helpers(node) -> None:
    """Take a node out of its scene together with its display and storage nodes."""
    scene = node.GetScene()
    if scene is None:
        return
    displays = [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]
    for one in (*displays, node.GetStorageNode(), node):
        if one is not None:
            scene.RemoveNode(one)
