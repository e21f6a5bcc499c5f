"""The module's own test, meant for a real Slicer, on the stand-in; and the scan that it and the tutorial are about."""

import sys
import types
import unittest
from pathlib import Path

import numpy as np
import pytest
import slicer
from SparseAnnotateSlicer import selftest
from SparseAnnotateSlicer.scene import sample

import SparseAnnotate


class OnTheStandIn(SparseAnnotate.SparseAnnotateTest, unittest.TestCase):
    """The stand-in's slice views do not come back by themselves after a scene was closed."""

    __test__ = False  # pytest is not to find it
    widget = None

    def openModule(self):
        return self.widget

    def clearScene(self):
        slicer.mrmlScene.Clear(False)
        slicer.app.layout_manager.reset(slicer.app._headless)
        slicer.app.processEvents()


def run(name, widget=None):
    test = OnTheStandIn(name)
    test.widget = widget
    result = unittest.TestResult()
    test.run(result)
    assert result.testsRun == 1
    assert result.skipped == []
    for _test, text in (*result.errors, *result.failures):
        pytest.fail(text)


def test_the_way_of_a_script(scene):  # noqa: ARG001 - emptied
    run("test_the_way_of_a_script")


def test_the_way_of_a_clinician(panel):
    run("test_the_way_of_a_clinician", panel)


@pytest.mark.slow
def test_a_learning_predictor(scene):  # noqa: ARG001 - emptied
    run("test_a_learning_predictor_where_its_packages_are")


def test_the_self_test_fails_where_the_module_does(panel, monkeypatch):
    monkeypatch.setattr("SparseAnnotateSlicer.session.review.Review.accept", lambda *_args, **_options: [])
    with pytest.raises(pytest.fail.Exception, match="ACCEPTED"):
        run("test_the_way_of_a_clinician", panel)


def test_without_a_window_the_panel_is_skipped(scene, monkeypatch):  # noqa: ARG001 - emptied
    class WithoutWindow(OnTheStandIn):
        __test__ = False
        openModule = selftest.SelfTest.openModule

    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
    result = unittest.TestResult()
    WithoutWindow("test_the_way_of_a_clinician").run(result)
    assert [reason for _test, reason in result.skipped] == ["there is no window"]


def test_slicer_finds_the_self_test_in_the_module(panel):
    module = sys.modules[type(panel).__module__]
    assert issubclass(module.SparseAnnotateTest, selftest.SelfTest)
    assert module.SparseAnnotateTest.logicClass is module.SparseAnnotateLogic
    names = unittest.TestLoader().getTestCaseNames(OnTheStandIn)
    assert len(names) == 3
    assert all("test" in name for name in names)


def test_the_made_up_scan_is_always_the_same_and_holds_one_organ():
    intensities, labels = sample.madeUpScan()
    again = sample.madeUpScan()[0]
    assert intensities.shape == labels.shape == sample.SHAPE
    assert np.array_equal(intensities, again)
    assert intensities.dtype == np.int16
    planes = np.flatnonzero(labels.any(axis=(1, 2)))
    assert (planes[0], planes[-1]) == (sample.FIRST, sample.LAST)
    assert len(planes) == sample.LAST - sample.FIRST + 1
    inside, outside = intensities[labels > 0].mean(), intensities[(labels == 0) & (intensities > -200)].mean()
    assert inside - outside > 30


def test_the_sample_is_shown_in_the_slice_views(scene):
    (node,) = sample.addSample()
    assert node.GetName() == sample.NAME
    assert node.GetSpacing() == sample.SPACING_MM
    assert scene.GetNodeByID(node.GetID()) is node
    for name in slicer.app.layoutManager().sliceViewNames():
        composite = slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == node.GetID()


class FakeSampleData:
    """Slicer's registration as it is in 5.12.3: names and defaults of its arguments."""

    def __init__(self):
        self.categories, self.sources = {}, []

    def registerCustomSampleDataCategory(self, category, title):
        self.categories[category] = title

    def registerCustomSampleDataSource(
        self,
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFiles=None,
        loadFileProperties=None,
        checksums=None,
        loadFileType=None,
    ):
        assert all(isinstance(one, str) for one in (uris, fileNames, nodeNames))
        self.sources.append((category, sampleName, customDownloader, thumbnailFileName))


def test_the_sample_is_listed_in_sample_data_and_comes_without_a_download(scene, monkeypatch):
    logic = FakeSampleData()
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=logic))
    sample.registerSampleData()
    ((category, name, download, thumbnail),) = logic.sources
    assert category in logic.categories
    assert name
    assert Path(thumbnail).is_file()
    (node,) = download("the source, as the button gives it")
    assert node.GetScene() is scene
