"""Jobs on the workers of a Dask cluster: `cluster` finds or starts one, `runner` gives it jobs, `task` runs there.

It needs the extra `dask`; nothing else in `jobs` imports distributed.
"""
