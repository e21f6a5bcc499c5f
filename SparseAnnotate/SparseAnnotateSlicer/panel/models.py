"""What a prediction may start from: cohort models in a folder that the user chose, or a segmentation of the scene.

The folder is remembered for all scenes.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.cohort.model import SUFFIX, CohortConfiguration, load_configuration
from SparseAnnotateLib.errors import InputError

from ..scene.nodes import segmentations_in
from ..session import initial
from ..session.ranges import add_segments_of

_SETTING = "SparseAnnotate/ModelFolder"
# Before a node's ID, to tell it from a path.
_NODE = "node:"

# What a predictor needs besides its own packages, to read and apply a model.
MODULES = ("torch", "safetensors")


def models_in(folder: Path) -> dict[str, CohortConfiguration]:
    """The cohort models in a folder, by their paths; other files are passed over."""
    found = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found[str(path)] = load_configuration(path).configuration
        except InputError:
            continue
    return found


class StartFrom:
    """The combo box of what to start from: models, where the predictor can, and segmentations of the scene."""

    def __init__(self, panel):
        self._panel, self._combo = panel, panel.ui.startFromCombo
        self._models: dict[str, CohortConfiguration] = {}
        self._listed: list[tuple[str, str]] = []
        # What is wanted, also while a predictor is chosen that cannot start from it.
        self._wanted = ""
        panel.on(panel.ui.modelFolderButton.clicked, self._choose_folder)
        panel.on(self._combo.currentIndexChanged, self._chosen)
        self.look()

    @property
    def folder(self) -> str:
        """Where models are looked for; empty before one was chosen."""
        return slicer.util.settingsValue(_SETTING, "")

    def look(self) -> None:
        """Read what the folder holds now."""
        self._models = models_in(Path(self.folder)) if self.folder else {}

    def _entries(self, cls: type) -> list[tuple[str, str]]:
        """Texts, and what they stand for: a model's path, or a segmentation's ID with a mark before it."""
        panel, session = self._panel, self._panel.session
        models = [(Path(path).name.removesuffix(SUFFIX), path) for path in self._models] if can_start(cls) else []
        nodes = [] if session is None or session.ended else segmentations_in(session.scene)
        nodes = [one for one in nodes if one is not session.segmentation_node and not panel.sessions.is_preview(one)]
        found = [*models, *((one.GetName(), f"{_NODE}{one.GetID()}") for one in nodes)]
        return [(_("nothing"), ""), *found] if found else []

    def _list(self, cls: type) -> None:
        """List what there is now; what was chosen stays so."""
        entries = self._entries(cls)
        if entries == self._listed:
            return
        self._listed = entries
        self._combo.blockSignals(True)
        self._combo.clear()
        for number, (text, data) in enumerate(entries):
            self._combo.addItem(text, data)
            if data in self._models:
                self._combo.setItemData(number, _about(self._models[data]), qt.Qt.ToolTipRole)
        self._combo.setCurrentIndex(max(0, self._combo.findData(self._wanted)) if entries else -1)
        self._combo.blockSignals(False)

    def _choose_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder of cohort models"), self.folder
        )
        if not folder:
            return
        qt.QSettings().setValue(_SETTING, folder)
        self.look()
        if not self._models:
            raise InputError(_("{folder} holds no cohort model: choose another folder.").format(folder=folder))

    @property
    def _data(self) -> str:
        return self._combo.itemData(self._combo.currentIndex) or ""

    @property
    def path(self) -> str:
        """The chosen model; empty for none."""
        return "" if self._data.startswith(_NODE) else self._data

    def follow(self, session) -> None:
        """Show what a session starts from; a model that is not there is none."""
        self._list(self._panel.predict.cls)
        node = session.initial_node
        self._show(session.state.predictor_options.get("start_from") if node is None else f"{_NODE}{node.GetID()}")

    def _show(self, data: str | None) -> None:
        self._wanted = data or ""
        if self._combo.count:
            self._combo.blockSignals(True)
            self._combo.setCurrentIndex(max(0, self._combo.findData(data or "")))
            self._combo.blockSignals(False)

    def _show_node(self) -> None:
        """Show the segmentation that the session starts from now: the panel's question and an undo change it, too."""
        session = self._panel.session
        if session is None or session.ended:
            return
        node = session.initial_node
        wanted = (
            f"{_NODE}{node.GetID()}" if node is not None else "" if self._wanted.startswith(_NODE) else self._wanted
        )
        if wanted != self._wanted:
            self._show(wanted)

    def _chosen(self) -> None:
        """Start from what was chosen: a segmentation is shown as a prediction where nothing is predicted yet."""
        panel, session = self._panel, self._panel.session
        self._wanted = self._data
        if session is None or session.ended:
            return
        name = self._data.removeprefix(_NODE) if self._data.startswith(_NODE) else ""
        node, before = session.scene.GetNodeByID(name) if name else None, session.initial_node
        if node is before:
            return
        try:
            if panel.why_locked():
                raise InputError(panel.why_locked())
            with panel.busy():
                if node is not None:
                    add_segments_of(session, node)
                initial.start_from(session, node)
        except InputError:
            self._show("" if before is None else f"{_NODE}{before.GetID()}")
            raise
        if node is not None and node.GetDisplayNode() is not None:
            # What it holds is shown as the prediction, which is corrected.
            node.GetDisplayNode().SetVisibility(False)
        panel.refresh()
        if node is not None:
            text = _("{name} stays as it is. Press Suggest for the slices to correct.")
            panel.status.say(text.format(name=node.GetName()))

    def options(self, cls: type) -> dict[str, str]:
        """What a prediction is told of it."""
        return {"start_from": self.path} if self.path and can_start(cls) else {}

    def show(self, cls: type, *, running: bool) -> None:
        """Offer what there is, and with the options the folder, to predictors that can start from a model."""
        ui = self._panel.ui
        self._list(cls)
        self._show_node()
        ui.startFromFrame.setVisible(not running and self._combo.count > 0)
        ui.modelsFrame.setVisible(can_start(cls) and not running and ui.optionsButton.checked)
        told = self._combo.itemData(self._combo.currentIndex, qt.Qt.ToolTipRole) if self.path else None
        what = _(
            "A segmentation of this scan that a program made, to be corrected; or a network trained on many scans."
        )
        self._combo.setToolTip(told or what)
        where = _("Models are looked for in {folder}.").format(folder=self.folder) if self.folder else ""
        ui.modelFolderButton.setToolTip(_("Choose a folder with cohort models.") + f"\n\n{where}".rstrip())


def can_start(cls: type) -> bool:
    """Whether a predictor can start from a model."""
    return "start_from" in cls.Options.__dataclass_fields__


def _about(configuration: CohortConfiguration) -> str:
    names = ", ".join(configuration.class_names)
    spacing = " x ".join(f"{value:.3g}" for value in configuration.spacing_mm)
    return _("Structures: {names}. Trained at {spacing} mm, slices along {axis}.").format(
        names=names, spacing=spacing, axis=configuration.axis.upper()
    )
