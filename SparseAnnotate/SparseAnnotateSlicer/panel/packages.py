"""Packages that Slicer does not bring: asked for once, with their sizes, where they are needed. No Qt.

Slicer 5.12 brings numpy, scipy and SimpleITK. Nothing here is asked for at the start, or by what can do without.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import MissingPackageError


@dataclass(frozen=True)
class Package:
    """One package to install.

    Attributes
    ----------
    name, requirement : for the user, and for pip; no requirement where Slicer's extension PyTorch installs it
    megabytes : to download, with what it needs; the larger of Windows, macOS and Linux (November 2026)
    """

    name: str
    requirement: str | None
    megabytes: tuple[int, int]


# By the module that is imported.
PACKAGES = {
    "sklearn": Package("scikit-learn", "scikit-learn>=1.4", (10, 10)),
    "cv2": Package("opencv-python-headless", "opencv-python-headless>=4.8", (35, 62)),
    "torch": Package("PyTorch", None, (200, 3000)),
    "segmentation_models_pytorch": Package("segmentation-models-pytorch", "segmentation-models-pytorch>=0.4", (6, 6)),
    "lpips": Package("lpips", "lpips>=0.1.4", (1, 1)),
    "safetensors": Package("safetensors", "safetensors>=0.4", (1, 1)),
}
# Modules of the library's core install that Slicer lacks; `needs` of the classes names those beyond it. A test runs
# every one of them and compares.
_CORE = {
    "guided": ("cv2", "sklearn"),
    "kmeans": ("sklearn",),
    "histogram": ("sklearn",),
    "ssim": ("cv2", "sklearn"),
    "uncertainty": ("cv2", "sklearn"),
    "perceptual": ("cv2", "sklearn"),
}
# Slicer has its own filter for it, see `interpolator`.
_SLICER_HAS = {"itk"}
# Replacing what Slicer brings would break other parts of it.
_KEEP = ("numpy", "scipy", "SimpleITK", "pillow", "torch", "torchvision")


def modules_of(cls: type) -> list[str]:
    """The modules that a selector or predictor imports and Slicer does not bring, in the order to install them."""
    wanted = {*_CORE.get(cls.name, ()), *cls.needs} - _SLICER_HAS
    return [name for name in PACKAGES if name in wanted]


def missing(cls: type, more: Sequence[str] = ()) -> list[Package]:
    """The packages that are to be installed before a selector or predictor works; `more` are modules it needs too."""
    wanted = {*modules_of(cls), *more}
    return [one for name, one in PACKAGES.items() if name in wanted and importlib.util.find_spec(name) is None]


def missing_weights(cls: type) -> list:
    """The trained weights that a selector or predictor would download with its default options."""
    from SparseAnnotateLib.learning.pretrained import weights

    sources = [weights.ALEXNET] if cls.name == "perceptual" else []
    return [source for source in sources if weights.locate(source) is None]


def ensure(cls: type, more: Sequence[str] = ()) -> None:
    """Have what a selector or predictor needs: if something is missing, ask once, and install it.

    `more` are modules that it needs for what it is asked to do.

    Raises
    ------
    MissingPackageError
        Where the user declined, or it could not be installed.
    """
    lacking, weights = missing(cls, more), missing_weights(cls)
    if not lacking and not weights:
        return
    title = _("SparseAnnotate: download and install")
    if not slicer.util.confirmOkCancelDisplay(question(cls.name, lacking, weights), title):
        advice = _("{name} needs {packages}: agree to install, or choose another one.")
        names = ", ".join(one.name for one in (*lacking, *weights))
        raise MissingPackageError(advice.format(name=cls.name, packages=names))
    if lacking:
        _install(lacking)
    importlib.invalidate_caches()
    still = missing(cls, more)
    if still:
        advice = _("{packages} could not be installed: see Slicer's log.")
        raise MissingPackageError(advice.format(packages=", ".join(one.name for one in still)))


def question(name: str, lacking: list[Package], weights: Sequence = ()) -> str:
    """What the user is asked: what for, what, from where, and how much."""
    lines = [_("{name} needs what Slicer does not bring:").format(name=name), ""]
    lines += [f"    {one.name}  ({_size(*one.megabytes)})" for one in lacking]
    for one in weights:
        about = {"name": one.name, "size": f"{one.size_mb():.0f}", "site": one.site}
        lines.append("    " + _("weights of {name}  ({size} MB, from {site}, once)").format(**about))
    if lacking:
        total = [sum(one.megabytes[end] for one in lacking) for end in (0, 1)]
        lines += [
            "",
            _("To download: {size}, from the Python Package Index into Slicer's Python.").format(size=_size(*total)),
        ]
    if any(one.requirement is None for one in lacking):
        lines.append(_("PyTorch is installed by Slicer's extension PyTorch, which chooses the version for this GPU."))
    lines.append(_("Nothing of your data is sent. Install now?"))
    return "\n".join(lines)


def _size(low: int, high: int) -> str:
    return _("{high} MB").format(high=high) if low == high else _("{low} to {high} MB").format(low=low, high=high)


def _install(lacking: list[Package]) -> None:
    if any(one.requirement is None for one in lacking):
        _install_torch()
    requirements = [one.requirement for one in lacking if one.requirement is not None]
    if not requirements:
        return
    # Nothing imports this part of Slicer by itself: `import slicer` does not bring it.
    from slicer.packaging import pip_ensure

    try:
        with _constraints() as path:
            pip_ensure(requirements, constraints=path, prompt_install=False, requester="SparseAnnotate")
    except (RuntimeError, subprocess.CalledProcessError) as error:
        advice = _("The packages could not be installed ({error}): check the connection, see Slicer's log.")
        raise MissingPackageError(advice.format(error=error)) from error


def _install_torch() -> None:
    """Through the extension, which knows which version fits the graphics card."""
    try:
        import PyTorchUtils
    except ImportError as error:
        advice = _("PyTorch is missing: install the extension PyTorch in the Extensions Manager and restart Slicer.")
        raise MissingPackageError(advice) from error
    try:
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False, torchVersionRequirement=">=2.1")
    except (RuntimeError, TypeError, subprocess.CalledProcessError) as error:
        # TypeError: what a damaged installation of torch makes of it.
        raise MissingPackageError(_("PyTorch could not be installed ({error}).").format(error=error)) from error
    if torch is None:
        raise MissingPackageError(_("PyTorch could not be installed: see Slicer's log."))


@contextlib.contextmanager
def _constraints():
    """A file for pip that forbids to replace what is there."""
    lines = []
    for name in _KEEP:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            lines.append(f"{name}=={importlib.metadata.version(name).partition('+')[0]}")
    with tempfile.TemporaryDirectory(prefix="sparse-annotate-pip-") as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield str(path)
