"""SparseAnnotate in 3D Slicer. Floors, from the ground up; imports go down only, and never in a circle of files:

    scene    nodes and arrays, writing, undo, files           slicer, vtk; no Qt
    session  the state of one annotation, kept in the scene   on scene; no Qt
    views    the slice views                                  on scene; no Qt
    strip    the slice strip                                  on session; Qt
    batch    the command line on scenes                       on scene and session; no Qt
    panel    the rows of the panel                            on all but batch; Qt
    selftest the module's own test                            on all

views, strip and batch know nothing of each other. SparseAnnotate.py stands on top and wires; SparseAnnotateLib lies
below and knows nothing of Slicer. Without Qt means: it runs without a window, and in plain Python on the wheel
slicer-core. Testing/Python/test_slicer_architecture.py holds all of this.
"""
