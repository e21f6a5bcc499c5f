"""The node that keeps a session in the scene: one JSON attribute and references to the nodes it is about."""

from __future__ import annotations

MODULE = "SparseAnnotate"
ATTRIBUTE = "SparseAnnotate.Session"
# Roles of node references, which follow renamed, copied and reloaded nodes.
VOLUME, SEGMENTATION = "SparseAnnotate.Volume", "SparseAnnotate.Segmentation"
PREVIEW, BOX = "SparseAnnotate.Preview", "SparseAnnotate.Box"
INITIAL = "SparseAnnotate.Initial"
_CLASS = "vtkMRMLScriptedModuleNode"


def add_session_node(volume_node, segmentation_node, state: str):
    """A vtkMRMLScriptedModuleNode about a volume and a segmentation, hidden from lists of nodes."""
    scene = volume_node.GetScene()
    node = scene.CreateNodeByClass(_CLASS)
    node.UnRegister(None)
    node.SetName(f"SparseAnnotate {volume_node.GetName()}")
    node.SetModuleName(MODULE)
    node.SetHideFromEditors(True)
    node.SetNodeReferenceID(VOLUME, volume_node.GetID())
    node.SetNodeReferenceID(SEGMENTATION, segmentation_node.GetID())
    node.SetAttribute(ATTRIBUTE, state)
    return scene.AddNode(node)


def session_nodes(scene) -> list:
    """The nodes of a scene that hold a session, also one that has lost its volume."""
    found = [scene.GetNthNodeByClass(n, _CLASS) for n in range(scene.GetNumberOfNodesByClass(_CLASS))]
    return [node for node in found if node.GetAttribute(ATTRIBUTE)]


def is_whole(node) -> bool:
    """Whether the volume and the segmentation of a session are there."""
    return node.GetNodeReference(VOLUME) is not None and node.GetNodeReference(SEGMENTATION) is not None
