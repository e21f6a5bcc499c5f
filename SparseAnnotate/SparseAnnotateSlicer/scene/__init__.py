"""The ground floor: what lies in Slicer's scene, as arrays of the library, and back.

Who lives here
    volumes, segments : a volume node to `Volume`, segments of any layers and grids to labels on the volume's grid
    plane_geometry : where a volume's planes lie in the world, and which of them a view shows
    box : a markups ROI as a box of voxels
    writing : labels into segments, by Slicer's own segment editor logic, one undoable step a write
    preview, surface : a prediction as a segmentation of its own, in slices and in 3-D
    nodes : taking nodes out of the scene
    files, headless : scenes and files; a scene in plain Python
    interpolator : Slicer's contour interpolator behind the predictor `morphology`
    sample : the made-up scan of Sample Data

What may be imported: slicer, vtk, numpy and SparseAnnotateLib; nothing of the other floors, no Qt. Nothing here knows
that there is an annotation going on: functions take nodes and arrays, and return nodes and arrays. A new conversion
between the scene and the library belongs here, with a test on real MRML (Testing/Python/mrml) for rotated, sheared,
anisotropic and transformed volumes.
"""
