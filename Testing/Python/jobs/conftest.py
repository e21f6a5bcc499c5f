import os
import sys
from pathlib import Path

import pytest
from SparseAnnotateLib.predictors import PREDICTORS

PLUGIN = "jobs.job_predictors"


@pytest.fixture(scope="package", autouse=True)
def misbehaving_predictors():
    """Let this process and all workers know the predictors of job_predictors.py; forget them at the end."""
    before = {name: os.environ.get(name) for name in ("SPARSE_ANNOTATE_PLUGINS", "PYTHONPATH")}
    os.environ["SPARSE_ANNOTATE_PLUGINS"] = PLUGIN
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    yield
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value
    for name in [name for name in PREDICTORS.names() if name.startswith("test-")]:
        del PREDICTORS._classes[name]
    sys.modules.pop(PLUGIN, None)
