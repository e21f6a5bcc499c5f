"""Networks of segmentation_models_pytorch, their encoders chosen by its names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import InputError, require

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURES = ("Unet", "DeepLabV3Plus", "MAnet")


@dataclass(frozen=True)
class NetworkShape:
    """Everything that a network is built from, but its weights.

    Attributes
    ----------
    architecture : a class of segmentation_models_pytorch
    encoder : one of its encoders, or ``tu-`` and a name of timm
    depth : times that the encoder halves the plane
    width : decoder channels at full resolution; doubled at each halving (U-Net, MAnet), 16-fold in DeepLabV3+
    channels : of the input
    classes : of the output, background counted
    """

    architecture: str
    encoder: str
    depth: int
    width: int
    channels: int
    classes: int

    @property
    def stride(self) -> int:
        """Rows and columns must be multiples of this."""
        return min(16, 2**self.depth) if self.architecture == "DeepLabV3Plus" else 2**self.depth


def build_network(shape: NetworkShape, seed: int, pretrained: str = "none") -> nn.Module:
    """A network on the CPU; the same for the same seed, and torch's own generator is left as it was.

    Parameters
    ----------
    pretrained : ``none`` for random weights, ``imagenet``, or a file that holds the encoder's state dict. Never random
        ones where others were asked for.

    Raises
    ------
    MissingPackageError
        Where torch or segmentation_models_pytorch is not installed.
    InputError
        For an encoder that does not exist or does not fit the architecture; for weights that cannot be had.
    """
    if pretrained == "none":
        return _random_network(shape, seed)
    # The weights come first: what cannot be had is said before anything else takes time.
    state = _encoder_state(shape.encoder, pretrained)
    # Pretrained encoders take three channels; smp then spreads their first convolution over as many as there are.
    network = _random_network(replace(shape, channels=3), seed)
    try:
        network.encoder.load_state_dict(state)
    except (RuntimeError, KeyError) as error:
        raise InputError(
            f"the weights {pretrained!r} are not those of the encoder {shape.encoder}: give its own"
        ) from error
    network.encoder.set_in_channels(shape.channels, pretrained=True)
    return network


def _encoder_state(encoder: str, pretrained: str) -> dict:
    from .pretrained.weights import encoder_weights, load

    given = None if pretrained == "imagenet" else pretrained
    return dict(load(encoder_weights(encoder), given))


def _random_network(shape: NetworkShape, seed: int) -> nn.Module:
    torch = require("torch", extra="deep", purpose="a network predictor")
    smp = require("segmentation_models_pytorch", extra="deep", purpose="a network predictor")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return getattr(smp, shape.architecture)(
                encoder_name=shape.encoder,
                encoder_weights=None,
                in_channels=shape.channels,
                classes=shape.classes,
                **_decoder_arguments(shape),
            )
        except (KeyError, ValueError, NotImplementedError, RuntimeError, TypeError) as error:
            # Each of smp's and timm's many encoders refuses in its own way what it cannot do.
            reason = str(error).strip("\"'").partition(", supported encoders")[0]
            raise InputError(
                f"{shape.architecture} cannot be built on the encoder {shape.encoder!r} with depth {shape.depth} "
                f"({reason}): choose another one, such as resnet34"
            ) from error


def _decoder_arguments(shape: NetworkShape) -> dict:
    if shape.architecture == "DeepLabV3Plus":
        return {"encoder_depth": shape.depth, "decoder_channels": 16 * shape.width}
    channels = tuple(shape.width * 2**level for level in reversed(range(shape.depth)))
    return {"encoder_depth": shape.depth, "decoder_channels": channels}


def start_from_prior(network: nn.Module) -> None:
    """Make the output zero at first, so that a prior that is added to it stands until training finds better."""
    from torch import nn

    convolutions = [module for module in network.segmentation_head.modules() if isinstance(module, nn.Conv2d)]
    nn.init.zeros_(convolutions[-1].weight)
    nn.init.zeros_(convolutions[-1].bias)


def relative_cost(network: nn.Module, channels: int, stride: int) -> tuple[float, float]:
    """Multiply-adds and activations of one forward pass per input pixel: counted, so the same on every machine."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    side = max(64, stride * 2)
    elements = 0

    def count(_module, _inputs, output):
        nonlocal elements
        elements += output.numel() if isinstance(output, torch.Tensor) else 0

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, channels, side, side))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return counter.get_total_flops() / 2 / side**2, elements / side**2
