"""The command line of SparseAnnotate on everything that Slicer loads, without a window.

Who lives here
    command : `run`, one command: scenes are unpacked into files for it, and its result is put into a scene
    cases : the cases of a data set that only Slicer can read
    arguments : what a session says, as arguments of the command line
    asked : the planes that a cohort's network asks for, put into the sessions of scenes

What may be imported: the floors `scene` and `session`, slicer and SparseAnnotateLib; no Qt. The commands themselves
are those of `sparse-annotate`, unchanged: nothing is computed here. Scripts/sparse_annotate_batch.py is what users
start.
"""
