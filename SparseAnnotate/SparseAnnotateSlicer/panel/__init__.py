"""The panel: rows of widgets that read what the user set, call the session, and offer what can be done now.

Who lives here
    panel : `Panel`, the whole: which session, which plane, errors into the status line
    volume, strip, range, suggest, predict, review : the rows, from top to bottom
    live : as I paint, predictions that start by themselves
    worklist : the scans of a folder, and the slices that wait in each
    origin : asks who made the slices that were there already
    surface : the prediction in the 3-D views
    strokes : correcting is painting; parts of strokes on slices that they were not made on
    editor, watch : the embedded segment editor; half a second after a stroke the panel looks
    folding, room : what is not needed now folds away; the segment editor's parts where they fit
    status : the line that says what went wrong, what was done, or how far it is
    choice, options, models, packages : lists of methods, forms of options, cohort models, packages to install
    selecting : selectors that take long, in a process of their own
    structures : on which slices which structure is complete, in words
    blind, others, planes, shortcuts : what is shown where; planes in words; keys

What may be imported: all floors below but `batch`, Qt, slicer, SparseAnnotateLib. Rows do not import each other: they
reach another one through the panel that they are given. What can be said without a widget belongs below, where it can
be tested without one.
"""
