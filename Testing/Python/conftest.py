"""Fixtures that all tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Read when NumPy and PyTorch are loaded. Beside other processes with tests, two threads wait for each other in turns.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

SHARED = Path(__file__).resolve().parents[3] / "shared"


def pytest_configure():
    # How long an example takes depends on what else the machine does.
    settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-speed")
    # A shell that runs us in the background has Ctrl-C ignored, by us and by whatever we start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores, since tests of jobs mostly wait; four need 8 GB."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real labelled volumes; the test is skipped where it is missing."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the real volumes are not here ({folder})")
    return folder


@pytest.fixture
def one_thread():
    """Of torch: tests train on so little that a second thread only waits for the first."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
