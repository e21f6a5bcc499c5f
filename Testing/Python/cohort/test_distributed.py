"""Several processes: alone by default; together they have the gradient of the whole batch."""

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.cohort.training.distributed import Processes, started_by_torchrun  # noqa: E402

_IN_EACH_PROCESS = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
from cohort.scans import some_scans, tiny_settings
from SparseAnnotateLib.cohort.training.batches import BatchGradient, validate
from SparseAnnotateLib.cohort.training.blocks import BlockSource
from SparseAnnotateLib.cohort.training.cohort import prepare
from SparseAnnotateLib.cohort.training.distributed import Processes, started_by_torchrun
from SparseAnnotateLib.cohort.network import build_network
from SparseAnnotateLib.learning.losses import build_loss
from SparseAnnotateLib.learning.memory import gradient_scaler

cohort = prepare(some_scans(2), tiny_settings())
source = BlockSource(cohort.training, (8, 16, 16), True)
places = source.draw(6, np.random.default_rng(0))

def gradient(processes, at_once):
    network = build_network(cohort.configuration, seed=1)
    adding = BatchGradient(processes.wrapped(network), build_loss("dice+ce"), processes, "cpu", gradient_scaler("cpu"))
    loss = adding.add(source.batch(processes.share(places)), at_once)
    return [loss, *(parameter.grad for parameter in network.parameters())]

alone = gradient(Processes(), 6)
network = build_network(cohort.configuration, seed=1)
score = validate(network, source, source.validation(5), 2, "cpu", Processes())
with started_by_torchrun("cpu") as processes:
    assert processes.count == 2
    for at_once in (3, 2):  # each has 3 blocks: at once, and in two parts
        for mine, whole in zip(gradient(processes, at_once), alone, strict=True):
            torch.testing.assert_close(mine, whole, rtol=1e-4, atol=1e-6)
    shared = validate(network, source, source.validation(5), 2, "cpu", processes)
    np.testing.assert_allclose([shared[0], *shared[1]], [score[0], *score[1]], atol=1e-6)
    assert processes.said_by_first(float(processes.rank) + 5) == 5
    if processes.speaks:
        print("the same")
"""


@pytest.mark.slow
def test_two_processes_have_the_gradient_and_the_validation_of_one(tmp_path):
    script = tmp_path / "in_each_process.py"
    script.write_text(_IN_EACH_PROCESS, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(script), str(Path(__file__).parents[1])], capture_output=True, text=True, check=False
    )
    assert done.stdout.count("the same") == 1, done.stderr


def test_a_process_is_alone_without_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with started_by_torchrun("cpu") as processes:
        assert processes == Processes(0, 1)
    assert processes.share([1, 2, 3]) == [1, 2, 3]
    assert processes.said_by_first(2.5) == 2.5


def test_processes_share_a_batch_without_overlap():
    shares = [Processes(rank, 3).share(range(7)) for rank in range(3)]
    assert shares == [[0, 3, 6], [1, 4], [2, 5]]
    assert [Processes(rank, 3).speaks for rank in range(3)] == [True, False, False]


def test_sums_of_one_process_have_no_gradient():
    tensor = torch.ones(2, requires_grad=True) * 2
    (total,) = Processes().sum([tensor])
    assert not total.requires_grad
    assert torch.equal(total, torch.tensor([2.0, 2.0]))
