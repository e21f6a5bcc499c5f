"""A cohort's network made ready to be trained further on a single scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...annotation import LabelClass
from ..model import CohortModel
from ..network import ready_network
from ..structures import channels_of

if TYPE_CHECKING:
    from torch import nn


def network_for_one_scan(model: CohortModel, classes: Sequence[LabelClass], seed: int) -> nn.Module:
    """The attention network with a cohort's weights, for the structures of one scan, whose image is its only input.

    The known mask of a scan that is predicted is empty: its channel is dropped without changing anything. Weights of a
    plain U-Net get attention that begins with letting everything through, and a second head like the first.

    Returns
    -------
    Module as `learning.attention.network.build_attention_network` makes it: two logits of ``len(classes) + 1``

    Raises
    ------
    InputError
        Where the model is damaged, or has not learnt one of the structures.
    """
    from ...learning.attention.network import build_attention_network

    configuration = model.configuration
    state = ready_network(model).state_dict()
    kept = [0, *channels_of(configuration, classes)]
    state["down.0.0.weight"] = state["down.0.0.weight"][:, :1]
    for part in ("weight", "bias"):
        first = state[f"from_features.{part}"]
        second = state.get(f"from_attention.{part}", first)
        state |= {f"from_features.{part}": first[kept], f"from_attention.{part}": second[kept]}
    network = build_attention_network(
        len(kept), configuration.base_channels, configuration.halved_planes, seed, depth=configuration.depth
    )
    network.load_state_dict({**_open_attention(network), **state})
    return network


def _open_attention(network: nn.Module) -> dict:
    """Attention that multiplies by one half twice: what goes in comes out."""
    import torch

    return {name: torch.zeros_like(v) for name, v in network.state_dict().items() if name.startswith("attention.")}
