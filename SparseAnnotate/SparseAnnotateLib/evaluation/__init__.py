"""How good it is, on data sets with reference labels. From the ground up:

- `datasets/`: labelled cases in folders.
- `grid/`: what is to be done (every selector with every predictor at every fraction with every seed), and its results.
- `simulation/`: the simulated expert, and one annotation or several rounds with it.
- `pictures/`: a picture of one prediction.
- `tasks/`: one task of the grid, done. `pools/`: many tasks at once, on this machine or on a cluster.
- `report/`: what the results say. `cohort/`: the study of Specktor-Fadida 2023.
- `evaluate`: all of it; `demo_scan`: the scan of `sparse-annotate demo`.

May be imported here: everything below, `jobs` included, but not `commands`.
"""
