"""The studies of cohort networks.

Specktor-Fadida 2023: the same effort spent on few scans painted wholly, or on many painted sparsely. `plan` says which
scans a network learns from and what is painted of them, `study` does it, `scanner` simulates scans of another kind,
`table` shows results, and `claims` what of the paper's was seen. Zhang 2019, planes that a network asks for, is
`active/`. `keeping` is what both keep in files, `intervals` tells changes over randomisations. The networks themselves
are trained in `SparseAnnotateLib.cohort`.
"""
