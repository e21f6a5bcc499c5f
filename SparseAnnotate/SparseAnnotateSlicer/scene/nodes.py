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


def remove_marked(scene, class_name: str, attribute: str) -> None:
    """Take the nodes of a class that carry an attribute out of a scene, as those that an earlier session left."""
    nodes = [scene.GetNthNodeByClass(number, class_name) for number in range(scene.GetNumberOfNodesByClass(class_name))]
    for node in nodes:
        if node.GetAttribute(attribute):
            remove_with_helpers(node)


def segmentations_in(scene) -> list:
    """The segmentations of a scene that are listed, by name."""
    name = "vtkMRMLSegmentationNode"
    found = [scene.GetNthNodeByClass(number, name) for number in range(scene.GetNumberOfNodesByClass(name))]
    return sorted((node for node in found if not node.GetHideFromEditors()), key=lambda node: node.GetName())
