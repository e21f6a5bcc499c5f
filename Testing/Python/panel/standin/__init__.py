"""Plain Python made to look like Slicer with a window, to the module's own code.

MRML is Slicer's own (the wheel slicer-core), Qt is PySide6 with PythonQt's manners, and the few widgets of Slicer that
the module uses are ours (`widgets`). Slicer's pure-Python layer is its own where the environment variable SLICER_PYTHON
names ``Base/Python/slicer`` of a Slicer checkout (tag v5.12.3); elsewhere `layer` stands in for it.

What it cannot show: the look of Slicer, the effects of the segment editor, and its mouse. They need the real one.
"""

from .application import Application, start

__all__ = ["Application", "start"]
