"""Cohort models that a prediction may start from: those in a folder that the user chose, remembered for all scenes."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.cohort.model import SUFFIX, CohortConfiguration, load_configuration
from SparseAnnotateLib.errors import InputError

_SETTING = "SparseAnnotate/ModelFolder"

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
    """The combo box of models, shown where there are some and the predictor can start from one."""

    def __init__(self, panel):
        self._panel, self._combo = panel, panel.ui.startFromCombo
        panel.on(panel.ui.modelFolderButton.clicked, self._choose_folder)
        panel.on(self._combo.currentIndexChanged, lambda: None)
        self.look()

    @property
    def folder(self) -> str:
        """Where models are looked for; empty before one was chosen."""
        return slicer.util.settingsValue(_SETTING, "")

    def look(self) -> None:
        """List what the folder holds now; what was chosen stays so."""
        chosen = self.path
        models = models_in(Path(self.folder)) if self.folder else {}
        self._combo.blockSignals(True)
        self._combo.clear()
        if models:
            self._combo.addItem(_("nothing"), "")
        for number, (path, configuration) in enumerate(models.items(), 1):
            self._combo.addItem(Path(path).name.removesuffix(SUFFIX), path)
            self._combo.setItemData(number, _about(configuration), qt.Qt.ToolTipRole)
        self._combo.blockSignals(False)
        self.choose(chosen)

    def _choose_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder of cohort models"), self.folder
        )
        if not folder:
            return
        qt.QSettings().setValue(_SETTING, folder)
        self.look()
        if not self._combo.count:
            raise InputError(_("{folder} holds no cohort model: choose another folder.").format(folder=folder))

    @property
    def path(self) -> str:
        """The chosen model; empty for none."""
        return self._combo.itemData(self._combo.currentIndex) or ""

    def choose(self, path: str | None) -> None:
        """Choose a model; one that is not there is none."""
        if self._combo.count:
            self._combo.setCurrentIndex(max(0, self._combo.findData(path or "")))

    def options(self, cls: type) -> dict[str, str]:
        """What a prediction is told of it."""
        return {"start_from": self.path} if self.path and can_start(cls) else {}

    def show(self, cls: type, *, running: bool) -> None:
        """Offer the models, and with the options the folder, to predictors that can start from one."""
        ui, possible = self._panel.ui, can_start(cls) and not running
        ui.startFromFrame.setVisible(possible and self._combo.count > 0)
        ui.modelsFrame.setVisible(possible and ui.optionsButton.checked)
        told = self._combo.itemData(self._combo.currentIndex, qt.Qt.ToolTipRole) if self.path else None
        self._combo.setToolTip(
            told or _("A network that has learnt from many scans, for this prediction to start from.")
        )
        where = _("Models are looked for in {folder}.").format(folder=self.folder) if self.folder else ""
        ui.modelFolderButton.setToolTip(_("Choose a folder with cohort models.") + f"\n\n{where}".rstrip())


def can_start(cls: type) -> bool:
    """Whether a predictor can start from a model."""
    return "start_from" in cls.Options.__dataclass_fields__


def _about(configuration: CohortConfiguration) -> str:
    names = ", ".join(configuration.class_names)
    spacing = " x ".join(f"{value:.3g}" for value in configuration.spacing_mm)
    return _("Knows {names}; learnt at {spacing} mm, slices along {axis}.").format(
        names=names, spacing=spacing, axis=configuration.axis.upper()
    )
