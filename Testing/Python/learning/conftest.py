"""One thread of torch for all tests of this folder."""

import pytest


@pytest.fixture(autouse=True)
def always_one_thread(one_thread):
    """See the fixture that all tests share."""
