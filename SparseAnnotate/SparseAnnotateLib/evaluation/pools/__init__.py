"""Many tasks at once: `pool` has worker processes on this machine (each runs `worker`), `dask` those of a cluster.

`execution` gives them what is missing, in order of `grid.schedule`; `memory` says how many fit at once.
"""
