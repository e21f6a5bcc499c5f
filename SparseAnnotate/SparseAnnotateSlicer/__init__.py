"""SparseAnnotate in 3D Slicer's scene: imports slicer and vtk, never Qt, so it also runs without a window."""
