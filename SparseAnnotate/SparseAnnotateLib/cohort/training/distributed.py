"""Several processes, each with a GPU of its own, train one network (torch's DistributedDataParallel, `torchrun`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """One process among those that train together; alone by default.

    Attributes
    ----------
    rank : its number, from 0; number 0 writes files and speaks
    count : how many there are
    """

    rank: int = 0
    count: int = 1

    @property
    def speaks(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[Item]:
        """What this process takes of something that all of them know."""
        return list(items[self.rank :: self.count])

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each tensor added up over all processes; the same numbers everywhere, and without a gradient."""
        total = [tensor.detach().clone() for tensor in tensors]
        if self.count > 1:
            import torch.distributed

            for tensor in total:
                torch.distributed.all_reduce(tensor)
        return total

    def said_by_first(self, value: float) -> float:
        """A number that process 0 knows, its clock for one, in all of them."""
        if self.count == 1:
            return value
        said: list[float | None] = [value]
        import torch.distributed

        torch.distributed.broadcast_object_list(said, src=0)
        return float(said[0])

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are averaged over all processes."""
        if self.count == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(network)

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            import torch.distributed

            torch.distributed.barrier()


@contextlib.contextmanager
def started_by_torchrun(device: str) -> Iterator[Processes]:
    """The processes that `torchrun` started, joined while it lasts; a single one without `torchrun`.

    On CUDA each takes the GPU with its number on this computer, and they talk by NCCL; elsewhere by Gloo.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "RANK" not in os.environ:
        yield Processes()
        return
    import torch.distributed

    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Processes(int(os.environ["RANK"]), count)
    finally:
        torch.distributed.destroy_process_group()
