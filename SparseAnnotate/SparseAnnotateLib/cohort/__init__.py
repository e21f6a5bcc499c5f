"""One network for many scans, each of which has a few painted planes (Specktor-Fadida 2023; Zhang 2019).

- Here: `scans` and `structures` (how scans fit together), `preprocessing` and `grids` (to the network's grid and back),
  `network`, and `model`, the file that holds weights with all that is needed to use them; `choosing`, which planes are
  painted next, and `worklist`, the table of these.
- `training/`: learns a model. `applying/`: lets one label a scan, or begin a prediction. Neither knows the other.

May be imported here: `learning`, `quality`, and what is below. Predictors that begin with a cohort model ask
`applying.starting_point`; nothing here knows a predictor. The study that compares cohorts is `evaluation.cohort`.
"""
