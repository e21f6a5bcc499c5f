"""The grid of an evaluation, and its results: what is to be done, and what is done already.

- `methods`, `planner`: from what the user asks for to tasks; `fingerprint`: what decides a result, so that it is done
  anew when that changes.
- `result`, `store`, `claims`: one SQLite file that several processes may fill at once.
- `schedule`, `remaining`: which task is next, and how long the rest takes.

It knows `datasets`, and nothing of how a task is done.
"""
