"""`manet`: the rules of all predictors, and that it learns."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from predictors.network_tester import NetworkTester  # noqa: E402
from predictors.test_unet import one_thread  # noqa: E402, F401 - a fixture


class TestPredictor(NetworkTester):
    name = "manet"
