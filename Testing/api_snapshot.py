"""Writes Testing/Python/panel/slicer_api.json: the names of Slicer and CTK that a scripted module may use.

    git clone https://github.com/Slicer/Slicer && git clone https://github.com/commontk/CTK
    python Testing/api_snapshot.py Slicer v5.12.3 CTK 5056664a20a3d0a393bb6d91f040525581e0dcdf

The checkouts are only read, with git; CTK's commit is the one in Slicer's SuperBuild/External_CTK.cmake. Qt's names
come from PySide6, which wraps the same classes. Nothing but names is kept.
"""

import argparse
import ast
import enum
import json
import re
import subprocess
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent / "Python" / "panel" / "slicer_api.json"
# Where the classes are declared that a module of this kind meets.
QT_FOLDERS = {
    "slicer": r"^(Libs/MRML/Widgets|Base/QT(Core|GUI|App)|Modules/Loadable/(Segmentations|SubjectHierarchy)/Widgets)/",
    "ctk": r"^Libs/(Core|Widgets|Visualization/VTK/Widgets)/",
}
VTK_FOLDERS = (
    r"^(Libs/MRML/(Core|Logic)|Libs/vtk(SegmentationCore|ITK)|Base/Logic"
    r"|Modules/Loadable/(Segmentations|Volumes|SubjectHierarchy|Markups)/(Logic|MRML))/"
)
PYTHON_FOLDER = r"^Base/Python/slicer/(parameterNodeWrapper/)?\w+\.py$"
QT_CLASSES = re.findall(
    r"\w+",
    """
QAbstractButton QAbstractItemView QAbstractSlider QAbstractSpinBox QAction QActionGroup QApplication QBrush
QButtonGroup QCheckBox QColor QComboBox QContextMenuEvent QCoreApplication QCursor QDesktopServices QDialog
QDialogButtonBox QDoubleSpinBox QDrag QElapsedTimer QEvent QEventLoop QFileDialog QFont QFontMetrics QFormLayout
QFrame QGridLayout QGroupBox QHBoxLayout QHeaderView QHelpEvent QIcon QImage QInputDialog QKeyEvent QKeySequence
QLabel QLayout QLineEdit QLinearGradient QListWidget QListWidgetItem QLocale QMainWindow QMenu QMessageBox
QMouseEvent QObject QPaintEvent QPainter QPainterPath QPalette QPen QPixmap QPlainTextEdit QPoint QPointF QPolygon
QPolygonF QProcess QProcessEnvironment QProgressBar QPushButton QRadioButton QRect QRectF QResizeEvent QScrollArea
QScrollBar QSettings QShortcut QSize QSizeF QSizePolicy QSlider QSpacerItem QSpinBox QSplitter QStackedWidget
QStandardItem QStandardItemModel QStyle QStyleFactory QStyleOption QStylePainter QTabWidget QTableWidget
QTableWidgetItem QTextBrowser QTextCursor QTextDocument QTextEdit QTimer QToolBar QToolButton QToolTip QTreeWidget
QTreeWidgetItem QUrl QVBoxLayout QVariantAnimation QWheelEvent QWidget
""",
)
_MACROS = re.compile(r"vtk(Get|Set|Boolean)\w*Macro\s*\(\s*(\w+)")
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_CLASS = re.compile(
    r"\bclass\s+(?:\w+_EXPORT\s+)?(\w+)\s*(?:final\s*)?:\s*public\s+(?:virtual\s+)?([\w:]+)[^{;]*\{", re.DOTALL
)


class Checkout:
    """One revision of a git repository."""

    def __init__(self, folder: str, revision: str):
        self._folder, self._revision = folder, revision

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", self._folder, *arguments]
        return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout

    def commit(self) -> str:
        """The full name of the revision."""
        return self._git("rev-parse", f"{self._revision}^{{commit}}").strip()

    def names(self, pattern: str) -> list[str]:
        """The files whose path matches, tests left out."""
        listed = self._git("ls-tree", "-r", "--name-only", self._revision).splitlines()
        return [name for name in listed if re.search(pattern, name) and "/Testing/" not in name]

    def texts(self, names: list[str]) -> dict[str, str]:
        """What files hold, by name."""
        command = ["git", "-C", self._folder, "cat-file", "--batch"]
        given = "".join(f"{self._revision}:{name}\n" for name in names).encode()
        answer = subprocess.run(command, input=given, capture_output=True, check=True).stdout
        texts = {}
        for name in names:
            head, _, answer = answer.partition(b"\n")
            size = int(head.split()[-1])
            texts[name], answer = answer[:size].decode("utf-8", "replace"), answer[size + 1 :]
        return texts


def classes_in(header: str):
    """Name, base and body of every class of a header."""
    text = _COMMENTS.sub("", header)
    for found in _CLASS.finditer(text):
        depth, end = 1, found.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield found[1], found[2].split("::")[-1], text[found.end() : end - 1]


def enumerators_in(body: str) -> list[str]:
    """The names of all enumerators of a class."""
    lists = re.findall(r"\benum\b[^{;]*\{([^}]*)\}", body)
    return [name for one in lists for name in re.findall(r"(?:^|,)\s*(\w+)", one)]


def qt_members(body: str) -> dict[str, list]:
    """What PythonQt shows of a QObject: properties, signals, public slots, invokable functions and enumerators."""
    properties = re.findall(r"Q_PROPERTY\s*\(\s*[\w:<>,]+[\s*&]+(\w+)", body)
    writable = re.findall(r"Q_PROPERTY\s*\(\s*[\w:<>,]+[\s*&]+(\w+)(?:[^()]|\([^()]*\))*?\bWRITE\b", body)
    body = re.sub(r"\bqWarning\b", "", body)
    plain = re.sub(r"Q_(?:PROPERTY|ENUMS?|FLAGS?|DECLARE_PRIVATE|DISABLE_COPY)\s*\((?:[^()]|\([^()]*\))*\)", "", body)
    signals, slots, section = set(), set(), "private"
    heading = r"((?:public|protected|private)\s*(?:slots|Q_SLOTS)?\s*:(?!:)|(?:signals|Q_SIGNALS)\s*:(?!:))"
    for piece in re.split(rf"\b{heading}", plain):
        if re.fullmatch(heading, piece):
            section = re.sub(r"\s+", " ", piece).rstrip(": ")
            continue
        names = set(re.findall(r"(?<![~\w])(\w+)\s*\((?:[^()]|\([^()]*\))*\)\s*(?:const|override|;|=|\{)", piece))
        if section in ("signals", "Q_SIGNALS"):
            signals |= names
        elif section in ("public slots", "public Q_SLOTS"):
            slots |= names
        elif section == "public":
            slots |= set(re.findall(r"Q_INVOKABLE[^;{(]*?(\w+)\s*\(", piece))
    return {
        "properties": sorted(writable),
        "constants": sorted(set(properties) - set(writable)),
        "signals": sorted(signals),
        "methods": sorted(slots),
        "values": sorted(set(enumerators_in(plain))),
    }


def vtk_members(body: str) -> list[str]:
    """Functions, those made by macros, and enumerators of a class of VTK's kind."""
    names = set(re.findall(r"(?<![~\w])([A-Z]\w*[a-z]\w*)\s*\(", body))
    names -= {name for name in names if name.endswith("Macro")}
    for kind, variable in _MACROS.findall(body):
        names |= {f"{variable}On", f"{variable}Off"} if kind == "Boolean" else {f"{kind}{variable}"}
    return sorted(names | set(enumerators_in(body)))


def python_members(source: str) -> dict[str, dict]:
    """The public functions with their arguments, classes and values of a Python file."""
    members = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            given = node.args
            names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            members[node.name] = {"arguments": names, "any": bool(given.kwarg or given.vararg)}
        elif isinstance(node, ast.ClassDef):
            members[node.name] = {"members": sorted(one.name for one in node.body if isinstance(one, ast.FunctionDef))}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            members |= {one.id: {} for one in targets if isinstance(one, ast.Name)}
    return {name: value for name, value in members.items() if not name.startswith("__")}


def qt_classes() -> dict[str, dict]:
    """Members of classes of Qt, as PySide6 has them: own ones only, with the class that they derive from."""
    from PySide6 import QtCore, QtGui, QtWidgets

    found = {}
    waiting = [*QT_CLASSES, "Qt"]
    while waiting:
        name = waiting.pop()
        cls = next((getattr(module, name) for module in (QtCore, QtGui, QtWidgets) if hasattr(module, name)), None)
        if cls is None or name in found:
            continue
        base = next((one for one in cls.__mro__[1:] if one.__name__.startswith("Q")), None)
        found[name] = {"base": base.__name__ if base else "", **_pyside_members(cls, base)}
        waiting += [base.__name__] if base else []
    return found


def _pyside_members(cls, base) -> dict[str, list[str]]:
    about = getattr(cls, "staticMetaObject", None)
    numbers = range(about.propertyOffset(), about.propertyCount()) if about is not None else ()
    properties = [about.property(number) for number in numbers]
    own = {name for name in set(dir(cls)) - set(dir(base or object)) if not name.startswith("_")}
    enums = [
        one for one in (getattr(cls, name) for name in own) if isinstance(one, type) and issubclass(one, enum.Enum)
    ]
    return {
        "properties": sorted(one.name() for one in properties if one.isWritable()),
        "constants": sorted(one.name() for one in properties if not one.isWritable()),
        # In PythonQt a property hides the function that reads it.
        "methods": sorted(own - {one.name() for one in properties}),
        "values": sorted({value for one in enums for value in one.__members__}),
    }


def snapshot(slicer: Checkout, ctk: Checkout) -> dict:
    """Everything, as it is written."""
    widgets, vtk, python = {}, {}, {}
    for checkout, folders in ((ctk, QT_FOLDERS["ctk"]), (slicer, QT_FOLDERS["slicer"])):
        for text in checkout.texts(checkout.names(rf"{folders}.*\.h$")).values():
            for cls, base, body in classes_in(text):
                if "Q_OBJECT" in body:
                    widgets[cls] = {"base": base, **qt_members(body)}
    for text in slicer.texts(slicer.names(rf"{VTK_FOLDERS}.*vtk\w+\.h$")).values():
        vtk |= {cls: {"base": base, "members": vtk_members(body)} for cls, base, body in classes_in(text)}
    for name, text in slicer.texts(slicer.names(PYTHON_FOLDER)).items():
        module = name.removeprefix("Base/Python/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        # What the parts of the wrapper define is used from the wrapper itself.
        module = "slicer.parameterNodeWrapper" if module.startswith("slicer.parameterNodeWrapper") else module
        python.setdefault(module, {}).update(python_members(text))
    modules = {name.split("/")[2] for name in slicer.names(r"^Modules/(Loadable|Scripted|CLI)/[^/]+/CMakeLists\.txt$")}
    return {
        "commits": {"Slicer": slicer.commit(), "CTK": ctk.commit()},
        "modules": sorted(modules),
        "python": python,
        "qt": qt_classes(),
        "vtk": vtk,
        "widgets": widgets,
    }


def _compact(value) -> str:
    """On one line, without what is empty."""
    filled = {name: one for name, one in value.items() if one or name == "any"} if isinstance(value, dict) else value
    return json.dumps(filled, separators=(",", ":"))


def main() -> None:
    """Read the command line and write the file: a class a line, so that changes can be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("slicer", "slicer_revision", "ctk", "ctk_revision"):
        parser.add_argument(name)
    given = parser.parse_args()
    names = snapshot(Checkout(given.slicer, given.slicer_revision), Checkout(given.ctk, given.ctk_revision))
    parts = []
    for part, content in sorted(names.items()):
        if isinstance(content, dict):
            lines = [
                f"{json.dumps(name)}: {json.dumps(content[name], separators=(',', ':'))}" for name in sorted(content)
            ]
            parts.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
        else:
            parts.append(f'"{part}": {json.dumps(content)}')
    OUTPUT.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
