"""The state of one annotation: what is painted, suggested, predicted and accepted, kept in a node of the scene.

Who lives here
    session : `AnnotationSession`, what scripts and the panel use: ranges, marks, suggestions, `suggest`
    annotated : `AnnotatedVolume`, what a session is built on: its nodes, its state, and a look at its planes
    state, node : what is remembered, as JSON; the node that keeps it
    ranges : first and last plane of each segment, clicked or taken from another segmentation
    initial : a segmentation that a program made, to start from
    planes, painted : what a plane is; what counts as painted, told from the voxels
    completeness : which structures are complete on which planes, asked of the library
    by_hand : what the user painted on planes that we wrote on, too
    given : what the user gave, as the library's `SparseAnnotation`
    numbers : labels of a prediction and of the user together
    review : showing, accepting, rejecting and undoing a prediction
    history : taking that back where no segment editor does
    predicted : the labels of a prediction, and those of them that a preview shows
    live : when a prediction starts by itself, and how it is shown
    expected : how good a prediction is expected to be, by plane and structure
    prediction : a prediction as a job, refused if the scene has moved on
    sessions : all sessions of a scene
    worklist : scans of a folder with the planes that a cohort's network asks for
    provenance : a line a plane, as a table
    mirrored, watching : volumes that Slicer mirrors on reading; the end of the scene

What may be imported: the floor `scene`, SparseAnnotateLib, slicer and numpy; no Qt, so that all of it runs without a
window. Names of attributes in the scene never change: scenes of today are read tomorrow (test_saving.py).
"""
