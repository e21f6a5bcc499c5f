"""Every name of Slicer, Qt and CTK that the module uses exists in Slicer 5.12.3; the check finds those that do not."""

from pathlib import Path

import pytest
from api_names import API, Checker, FormWidgets, defined_in

MODULE = Path(__file__).resolve().parents[3] / "SparseAnnotate"
FILES = [
    MODULE / "SparseAnnotate.py",
    *sorted((MODULE / "SparseAnnotateSlicer").rglob("*.py")),
    *sorted((MODULE / "Scripts").glob("*.py")),
    *sorted((MODULE / "Testing").rglob("*.py")),
]
FORMS = sorted((MODULE / "Resources" / "UI").glob("*.ui"))
OWN = set().union(*(defined_in(path.read_text(encoding="utf-8")) for path in FILES))


@pytest.fixture(scope="module")
def form():
    return {name: cls for path in FORMS for name, cls in FormWidgets(path).classes.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_name_of_slicer_exists(path, form):
    assert Checker(path.read_text(encoding="utf-8"), form, OWN).unknown == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_every_widget_and_property_of_the_form_exists(path):
    assert FormWidgets(path).unknown == []


def unknown_in(source, form=None):
    return Checker(source, form).unknown


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "import slicer\nslicer.util.arrayFromVolum(1)",
            "slicer.util has no arrayFromVolum, did you mean arrayFromVolume",
        ),
        ("import slicer\nslicer.util.loadVolume('a', propertys={})", "takes no propertys, did you mean properties"),
        ("from slicer.util import errorDisply", "slicer.util has no errorDisply, did you mean errorDisplay"),
        ("from slicer.i18n import translat as _", "slicer.i18n has no translat"),
        (
            "import slicer\nimport slicer.packaging\nslicer.packaging.pip_ensured([])",
            "slicer.packaging has no pip_ensured",
        ),
        ("import slicer\nslicer.packaging.pip_ensure([])", "slicer.packaging is not there before it is imported"),
        ("import slicer\nslicer.ap.exit()", "slicer has no ap"),
        (
            "import slicer\nslicer.app.layoutManagr()",
            "qSlicerApplication has no layoutManagr, did you mean layoutManager",
        ),
        ("import slicer\nslicer.app.layoutManager().sliceWidgt('Red')", "qSlicerLayoutManager has no sliceWidgt"),
        ("import slicer\nslicer.mrmlScene.GetNodeByIDs('x')", "vtkMRMLScene has no GetNodeByIDs"),
        (
            "import slicer\nslicer.mrmlScene.AddNewNodeByClass('vtkMRMLScalarVolume')",
            "no node class vtkMRMLScalarVolume",
        ),
        ("import slicer\nslicer.vtkMRMLSliceNod()", "slicer has no vtkMRMLSliceNod, did you mean vtkMRMLSliceNode"),
        ("import slicer\nslicer.vtkMRMLScene.EndClosedEvent", "vtkMRMLScene has no EndClosedEvent"),
        ("import slicer\nslicer.modules.segmentation", "there is no module segmentation"),
        ("import qt\nqt.QPushButon('x')", "qt has no QPushButon, did you mean QPushButton"),
        ("import qt\nqt.Qt.LeftButon", "Qt has no LeftButon, did you mean LeftButton"),
        ("import qt\ndef f():\n  b = qt.QPushButton('x')\n  b.cheked = True", "QPushButton has no cheked"),
        ("import qt\ndef f():\n  b = qt.QPushButton('x')\n  return b.text()", "text is a property: read it without ()"),
        ("import qt\ndef f():\n  b = qt.QPushButton('x')\n  b.connect('clickd()', f)", "there is no signal clickd()"),
        ("import qt\nclass W(qt.QWidget):\n  def f(self):\n    self.updat()", "QWidget has no updat"),
        ("import qt\nclass W(qt.QWidget):\n  def f(self):\n    return self.width()", "width is a property"),
        (
            "import ctk\nctk.ctkCollapsableButton()",
            "ctk has no ctkCollapsableButton, did you mean ctkCollapsibleButton",
        ),
        ("import slicer\nslicer.qMRMLSegmentsEditorWidget()", "slicer has no qMRMLSegmentsEditorWidget"),
        ("import vtk\nvtk.vtkMatrix4x5()", "vtk has no vtkMatrix4x5"),
        ("def f(node):\n  node.GetSegmentationn()", "nothing in VTK or MRML has a GetSegmentationn"),
        ("self.ui.suggestButon.enabled = True", "the form has no suggestButon, did you mean suggestButton"),
        ("panel.ui.suggestButton.enable = True", "QPushButton has no enable"),
        (
            "def f(panel):\n  panel.ui.suggestButton.clickd.connect(f)",
            "QPushButton has no clickd, did you mean clicked",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_found(source, sentence):
    found = unknown_in(source, {"suggestButton": "QPushButton"})
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "import slicer\nslicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID('x'))",
        "import qt\nb = qt.QPushButton('x')\nb.text = 'y'\nb.setText('z')\nb.clicked.connect(print)",
        "import qt\nclass W(qt.QWidget):\n  def f(self):\n    self.mine = self.width\n    self.update(self.mine)",
        "import vtk\nvtk.vtkTextActor().SetInput('x')",
        "import slicer\nslicer.vtkSegmentation().GetNumberOfSegments()",
        "node.GetMTime()",
    ],
)
def test_names_that_exist_pass(source):
    assert unknown_in(source) == []


def test_the_form_is_checked_too(tmp_path):
    path = tmp_path / "form.ui"
    path.write_text(
        '<ui version="4.0"><widget class="QWidget" name="top"><widget class="qMRMLNodeBox" name="a"/>'
        '<widget class="QSpinBox" name="b"><property name="maximun"><number>3</number></property></widget>'
        '<layout class="QFormLayout" name="rows"/></widget></ui>',
        encoding="utf-8",
    )
    form = FormWidgets(path)
    assert form.classes == {"top": "QWidget", "a": "qMRMLNodeBox", "b": "QSpinBox"}
    assert form.unknown == [
        "form.ui: a is of the unknown class qMRMLNodeBox",
        "form.ui: QSpinBox b has no property maximun",
    ]


def test_the_snapshot_is_of_the_release_that_the_module_asks_for():
    assert API["commits"]["Slicer"] == "9034c71a8fce68ab312458b3d7d16f610562263d"
