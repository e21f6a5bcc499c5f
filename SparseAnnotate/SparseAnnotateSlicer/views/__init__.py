"""Slicer's slice views as one annotation sees them.

Who lives here
    slice_views : `SliceViews`: goes to a plane, tells which plane is shown, says in a few words what it is
    presses : when the mouse goes down in a slice view, before the segment editor hears of it
    suggestion_lines : planes to paint as lines in the views that cut them

What may be imported: the floor `scene`, slicer and vtk; no Qt but what `slicer.app.layoutManager()` hands out, no
session: planes come as numbers, words as text. All of it is harmless without a window, a layout or a volume.
"""
