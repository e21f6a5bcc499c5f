"""Fixtures that all tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real labelled volumes; the test is skipped where it is missing."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the real volumes are not here ({folder})")
    return folder
