"""Starts a module of ours in a new Python: ``python .../jobs/start.py MODULE ARGUMENTS``.

By its file's path: so it is found whatever becomes of PYTHONPATH, which a launcher of Slicer's Python need not pass on.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    # Python puts the folder of this file first, whose modules (store, events, ...) are not to be found by these names.
    sys.path[:] = [str(here.parents[1]), *(one for one in sys.path if one and Path(one).resolve() != here)]
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
