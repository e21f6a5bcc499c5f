"""Slicer's widgets that the module uses: their properties, slots and signals, with as much behaviour as counts."""

import functools

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from .pythonqt import strict

Property, Signal = QtCore.Property, QtCore.Signal


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows the scene."""

    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene):
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return self._scene


def _stored(kind, name, value):
    """A property that is kept and has no effect."""
    return Property(
        kind, lambda self: self._values.get(name, value), lambda self, new: self._values.update({name: new})
    )


class qMRMLNodeComboBox(QtWidgets.QComboBox):
    """Lists the nodes of some classes; in Slicer it is no QComboBox but holds one."""

    currentNodeChanged = Signal(object)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene, self._tags, self._shown, self._values = None, [], None, {}
        self._types = []
        self.activated.connect(self._picked)

    addEnabled = _stored(bool, "addEnabled", True)
    removeEnabled = _stored(bool, "removeEnabled", True)
    editEnabled = _stored(bool, "editEnabled", False)
    renameEnabled = _stored(bool, "renameEnabled", False)
    showHidden = _stored(bool, "showHidden", False)
    showChildNodeTypes = _stored(bool, "showChildNodeTypes", True)
    noneEnabled = _stored(bool, "noneEnabled", False)
    noneDisplay = _stored(str, "noneDisplay", "None")
    baseName = _stored(str, "baseName", "")

    def _set_types(self, names):
        self._types = list(names)
        self._fill()

    nodeTypes = Property("QStringList", lambda self: self._types, _set_types)
    currentNodeID = Property(str, lambda self: self._shown or "", lambda self, ID: self.setCurrentNodeID(ID))

    def setMRMLScene(self, scene):
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent) if scene else ()
        self._tags = [scene.AddObserver(event, self._scene_changed) for event in events]
        self._fill()

    def mrmlScene(self):
        return self._scene

    def _scene_changed(self, *_):
        if not self._scene.IsBatchProcessing():
            self._fill()

    def _nodes(self):
        if self._scene is None:
            return []
        nodes = self._scene.GetNodes()
        nodes = [nodes.GetItemAsObject(number) for number in range(nodes.GetNumberOfItems())]
        of_class = (
            (lambda node, name: node.IsA(name)) if self.showChildNodeTypes else lambda n, c: n.GetClassName() == c
        )
        return [
            node
            for node in nodes
            if any(of_class(node, name) for name in self._types) and (self.showHidden or not node.GetHideFromEditors())
        ]

    def nodeCount(self):
        return len(self._nodes())

    def _fill(self):
        nodes = self._nodes()
        self.blockSignals(True)
        self.clear()
        for text, ID in [(self.noneDisplay, None)] * self.noneEnabled + [(one.GetName(), one.GetID()) for one in nodes]:
            self.addItem(text, ID)
        self.setCurrentIndex(self.findData(self._shown))
        self.blockSignals(False)
        if self._shown is not None and self._scene.GetNodeByID(self._shown) is None:
            self.setCurrentNodeID("")

    def _picked(self, index):
        self.setCurrentNodeID(self.itemData(index) or "")

    def currentNode(self):
        return self._scene.GetNodeByID(self._shown) if self._scene is not None and self._shown else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, ID):
        ID = ID if ID and self.findData(ID) >= 0 else None
        changed, self._shown = self._shown != ID, ID
        self.setCurrentIndex(self.findData(ID))
        if changed:
            self.currentNodeChanged.emit(self.currentNode())


# Width and height of the options of effects, as measured in Slicer 5.13 with Qt 5.15.
_OPTIONS = {
    "Paint": (384, 72),
    "Erase": (417, 72),
    "Scissors": (374, 163),
    "Islands": (381, 144),
    "Level tracing": (15, 23),
    "Smoothing": (403, 158),
    "Threshold": (353, 205),
    "Margin": (322, 159),
}


def _frame(name):
    frame = QtWidgets.QFrame()
    frame.setObjectName(name)
    return frame


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Binds nodes, adds segments, and keeps a history of the segmentation; it has no effects and paints nothing.

    `installed` tells whether its keyboard shortcuts are there, `effect` the effect that was asked for.
    """

    segmentationNodeChanged = Signal(object)
    currentSegmentIDChanged = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._values, self._node, self._tag = {}, None, None
        self._in_selector = self._scene_observed = None
        self._in_batch = False
        self.installed, self.effect = False, None
        self._history = slicer.vtkSegmentationHistory()
        self._draw()

    segmentationNodeSelectorVisible = _stored(bool, "segmentationNodeSelectorVisible", True)
    sourceVolumeNodeSelectorVisible = _stored(bool, "sourceVolumeNodeSelectorVisible", True)
    switchToSegmentationsButtonVisible = _stored(bool, "switchToSegmentationsButtonVisible", True)
    specifyGeometryButtonVisible = _stored(bool, "specifyGeometryButtonVisible", True)
    autoShowSourceVolumeNode = _stored(bool, "autoShowSourceVolumeNode", True)
    maximumNumberOfUndoStates = Property(
        int,
        lambda self: self._history.GetMaximumNumberOfStates(),
        lambda self, count: self._history.SetMaximumNumberOfStates(count),
    )

    def setEffectNameOrder(self, names):
        self.order = list(names)

    def setEffectColumnCount(self, count):
        """Five of the ten tools in the picture a row, say."""
        self.effectColumnCount = count
        for number, one in enumerate(self._effects):
            self._effect_grid.addWidget(one, number // count, number % count)

    def setMaximumNumberOfUndoStates(self, count):
        self.maximumNumberOfUndoStates = count

    def _draw(self):
        """A picture of the real one: layout, names and sizes of its parts as qMRMLSegmentEditorWidget.ui has them."""
        layout, buttons, below = QtWidgets.QGridLayout(self), QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        layout.setContentsMargins(6, 0, 6, 0)
        self._add, self._remove = QtWidgets.QPushButton("Add"), QtWidgets.QPushButton("Remove")
        for one in (self._add, self._remove, QtWidgets.QPushButton("Show 3D")):
            buttons.addWidget(one)
        tools, undo_redo = _frame("EffectsGroupBox"), _frame("UndoRedoGroupBox")
        undo_redo.setLayout(QtWidgets.QHBoxLayout())
        for name in ("UndoButton", "RedoButton"):
            button = QtWidgets.QToolButton()
            button.setObjectName(name)
            undo_redo.layout().addWidget(button)
        effects = self._effect_grid = QtWidgets.QGridLayout(tools)
        self._effects = []
        for number, letter in enumerate("↖■✎⬚◐▤⌫⊞✂⊕↔⇔◑▦●"):
            one = QtWidgets.QToolButton()
            one.setText(letter)
            one.setFixedSize(30, 30)
            self._effects.append(one)
            effects.addWidget(one, number // 2, number % 2)
        self._table = QtWidgets.QListWidget()
        self._table.setMinimumHeight(100)
        self._table.setObjectName("SegmentsTableResizableFrame")
        self._options, self._masking = QtWidgets.QGroupBox(), QtWidgets.QGroupBox("Masking")
        self._options.setObjectName("OptionsGroupBox")
        self._masking.setObjectName("MaskingGroupBox")
        self._masking.setMinimumHeight(113)
        self._option_rows, help_text = _frame("EffectsOptionsFrame"), QtWidgets.QTextBrowser()
        help_text.setObjectName("EffectHelpBrowser")
        help_text.setFixedHeight(25)
        inside = QtWidgets.QVBoxLayout(self._options)
        inside.addWidget(help_text)
        inside.addWidget(self._option_rows)
        left, right = QtWidgets.QVBoxLayout(), QtWidgets.QVBoxLayout()
        left.addWidget(tools)
        left.addWidget(undo_redo)
        for one in (self._table, self._options, self._masking):
            right.addWidget(one)
        for one in (left, right):
            one.addSpacerItem(QtWidgets.QSpacerItem(20, 40, vData=QtWidgets.QSizePolicy.Policy.Expanding))
        below.addLayout(left)
        below.addLayout(right)
        layout.addLayout(buttons, 1, 0)
        layout.addLayout(below, 3, 0)
        self._show_options("")
        self._add.clicked.connect(lambda: self._add_segment())
        self._table.currentRowChanged.connect(lambda row: self._row_changed(row))

    def _show_options(self, name):
        """The options of an effect take what they took in a real Slicer (5.13, Qt 5.15)."""
        width, height = _OPTIONS.get(name, (8, 8))
        self._option_rows.setMinimumSize(width, height)
        for one in (self._options, self._masking):
            one.setVisible(bool(name))
        self._options.setTitle(name)

    def _add_segment(self):
        segmentation = self._node.GetSegmentationNode().GetSegmentation()
        self.setCurrentSegmentID(segmentation.AddEmptySegment())

    def _row_changed(self, row):
        if row >= 0:
            self._node.SetSelectedSegmentID(self._table.item(row).data(QtCore.Qt.ItemDataRole.UserRole))
            self.currentSegmentIDChanged.emit(self.currentSegmentID())

    def _fill(self, *_):
        node = self.segmentationNode()
        self._table.blockSignals(True)
        self._table.clear()
        segmentation = node.GetSegmentation() if node is not None else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation is not None else []
        if ids and self._node.GetSelectedSegmentID() not in ids:
            self._node.SetSelectedSegmentID(ids[0])
        for ID in ids:
            segment = segmentation.GetSegment(ID)
            picture = QtGui.QPixmap(14, 14)
            picture.fill(QtGui.QColor.fromRgbF(*segment.GetColor()))
            item = QtWidgets.QListWidgetItem(QtGui.QIcon(picture), segment.GetName())
            item.setData(QtCore.Qt.ItemDataRole.UserRole, ID)
            self._table.addItem(item)
            if self._node.GetSelectedSegmentID() == ID:
                self._table.setCurrentItem(item)
        self._table.blockSignals(False)

    def setMRMLScene(self, scene):
        super().setMRMLScene(scene)
        if scene is not None and scene is not self._scene_observed:
            self._scene_observed = scene
            scene.AddObserver(slicer.vtkMRMLScene.StartBatchProcessEvent, self._start_batch)
            scene.AddObserver(slicer.vtkMRMLScene.EndBatchProcessEvent, self._end_batch)

    def _start_batch(self, *_):
        self._in_batch = True

    def _end_batch(self, *_):
        """What the selector shows counts, as in the real one; while nodes are read it takes up none."""
        self._in_batch = False
        if self._node is not None and self._node.GetSegmentationNode() is not self._in_selector:
            self.setSegmentationNode(self._in_selector)

    def setMRMLSegmentEditorNode(self, node):
        self._node = node
        self._watch()

    def mrmlSegmentEditorNode(self):
        return self._node

    def setSegmentationNode(self, node):
        if self._node is None or self._node.GetSegmentationNode() is node:
            return
        self._in_selector = None if self._in_batch else node
        self._node.SetAndObserveSegmentationNode(node)
        self._watch()
        self.segmentationNodeChanged.emit(node)

    def _watch(self):
        node = self.segmentationNode()
        if self._tag is not None:
            self._tag[0].RemoveObserver(self._tag[1])
        self._tag = (node, node.AddObserver(vtk.vtkCommand.AnyEvent, self._fill)) if node is not None else None
        self._history.SetSegmentation(node.GetSegmentation() if node is not None else None)
        self._fill()

    def segmentationNode(self):
        return self._node.GetSegmentationNode() if self._node is not None else None

    def setSourceVolumeNode(self, node):
        if self._node is not None:
            self._node.SetAndObserveSourceVolumeNode(node)

    def sourceVolumeNode(self):
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def currentSegmentID(self):
        return self._node.GetSelectedSegmentID() if self._node is not None else ""

    def setCurrentSegmentID(self, ID):
        self._node.SetSelectedSegmentID(ID)
        self._fill()

    def updateWidgetFromMRML(self):
        self._watch()

    def setupViewObservations(self):
        pass

    def removeViewObservations(self):
        pass

    def installKeyboardShortcuts(self):
        self.installed = True

    def uninstallKeyboardShortcuts(self):
        self.installed = False

    def setActiveEffect(self, effect):
        self.effect = effect
        self._show_options(effect or "")
        if self._node is not None:
            self._node.SetActiveEffectName(effect or "")

    def setActiveEffectByName(self, name):
        self.setActiveEffect(name)

    def activeEffect(self):
        return self.effect

    def saveStateForUndo(self):
        self._history.SaveState()

    def undo(self):
        self._history.RestorePreviousState()

    def redo(self):
        self._history.RestoreNextState()


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box."""


SLICER = {cls.__name__: cls for cls in (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget, ctkMessageBox)}


@functools.cache
def named(name: str) -> type:
    """A class of Slicer's or CTK's widgets; those that nothing here needs are empty."""
    return SLICER.get(name) or strict(type(QtWidgets.QWidget)(name, (QtWidgets.QWidget,), {}))
