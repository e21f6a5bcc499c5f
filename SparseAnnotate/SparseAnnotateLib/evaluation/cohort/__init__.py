"""The study of Specktor-Fadida 2023: the same effort spent on few scans painted wholly, or on many painted sparsely.

`plan` says which scans a network learns from and what is painted of them, `study` does it, `table` shows it. The
networks themselves are trained in `SparseAnnotateLib.cohort`.
"""
