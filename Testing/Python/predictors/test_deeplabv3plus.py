"""`deeplabv3plus`: the rules of all predictors, and that it learns."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("segmentation_models_pytorch", reason="segmentation_models_pytorch is not installed")

from predictors.network_tester import NetworkTester  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class TestPredictor(NetworkTester):
    name = "deeplabv3plus"
