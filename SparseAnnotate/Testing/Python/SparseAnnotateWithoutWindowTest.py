"""The module's self test in ``Slicer --no-main-window``: everything works but the panel, which is skipped."""

import slicer

from SparseAnnotate import SparseAnnotateTest


class SparseAnnotateWithoutWindowTest(SparseAnnotateTest):
    """Slicer's loader runs every class that it finds here."""

    def test_there_is_no_window(self):
        """Or this would test nothing that the other run does not."""
        self.assertIsNone(slicer.util.mainWindow())


del SparseAnnotateTest
