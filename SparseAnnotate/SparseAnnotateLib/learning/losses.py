"""Losses that look at known voxels only: each a small class over (logits, labels, known), and sums of them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


# The smallest probability that float32 tells from none beside a large one.
_SMALLEST_REST = 1e-6


class Loss:
    """What every loss is: a number from logits, labels and which voxels are known.

    A call takes ``logits`` float (batch, classes + 1, rows, columns), ``labels`` int64 and ``known`` bool (batch, rows,
    columns), and ``allowed`` bool (batch, classes + 1) or None: which classes a voxel without a known label can have on
    each plane. One that it cannot have (its range ends before, or it was painted completely there) is known on the
    whole plane: present where it is labelled, absent elsewhere. Ranges and complete structures say no more than that,
    so no mask per class is ever stored. Where nothing is known of a voxel its gradient is exactly zero.
    Blocks, with planes before rows and columns, are taken too; ``allowed`` is (batch, classes + 1, planes) then.

    Every loss is a function (`of_sums`) of sums over the batch (`sums`), so that a batch may come in parts.
    """

    def __call__(self, logits: Tensor, labels: Tensor, known: Tensor, allowed: Tensor | None = None) -> Tensor:
        return self.of_sums(self.sums(logits, labels, known, allowed))

    def sums(self, logits: Tensor, labels: Tensor, known: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, ...]:
        """What is summed over the voxels of the batch: those of two batches, added, are those of both."""
        raise NotImplementedError

    def of_sums(self, sums: tuple[Tensor, ...]) -> Tensor:
        """The loss that sums stand for; here a mean: that of the values by that of their weights."""
        ((values, weight),) = sums
        return values / weight.clamp(min=1)

    def probabilities(self, logits: Tensor, allowed: Tensor) -> Tensor:
        """Class probabilities (batch, classes + 1, rows, columns) that logits stand for after training with this loss.

        A class that cannot occur on a plane, by `allowed` (batch, classes + 1), gets 0.
        """
        import torch

        return torch.softmax(logits.masked_fill(~allowed[:, :, None, None], -torch.inf), 1)

    def from_softmax(self, logits: Tensor) -> Tensor:
        """Logits that stand for the same probabilities with this loss as `logits` do with a softmax (a prior's)."""
        return logits

    def towards(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross entropy (batch, rows, columns) with class probabilities `target` of the logits' shape."""
        import torch

        return -(target * torch.log_softmax(logits, 1)).sum(1)


class SelectiveDice(Loss):
    r"""Selective batch soft Dice (Specktor-Fadida 2023, eq. 2; smoothed, mean over the structures).

    .. math:: L = 1 - \frac{1}{C} \sum_c \frac{2 \sum_i p_{ic} t_{ic} + s}{\sum_i p_{ic} + \sum_i t_{ic} + s}

    with i over the *known* voxels of the *whole batch*, p the softmax, t the truth and s = 1, so that a structure that
    is in none of the batch's planes still pushes its probabilities down.
    """

    smoothing = 1.0

    def sums(self, logits, labels, known, allowed=None):  # noqa: ARG002 - what is unknown is left out altogether
        import torch

        weight = known[:, None].to(logits.dtype)
        probability = torch.softmax(logits, 1)[:, 1:] * weight
        truth = one_hot(labels, logits.shape[1], logits.dtype)[:, 1:] * weight
        everywhere = (0, *range(2, logits.ndim))
        overlap = (probability * truth).sum(everywhere)
        return (torch.stack([overlap, probability.sum(everywhere) + truth.sum(everywhere)]),)

    def of_sums(self, sums):
        ((overlap, total),) = sums
        return 1 - ((2 * overlap + self.smoothing) / (total + self.smoothing)).mean()


class SelectiveCrossEntropy(Loss):
    r"""Cross entropy with zero weight on unknown voxels (Çiçek 2016; Zhang 2019).

    .. math:: L = - \frac{1}{|K|} \sum_{i \in K} \log p_{i, t_i}
    """

    def sums(self, logits, labels, known, allowed=None):  # noqa: ARG002 - what is unknown is left out altogether
        from torch.nn import functional

        weight = known.to(logits.dtype)
        per_voxel = functional.cross_entropy(logits, labels, reduction="none")
        return _weighted_sums(per_voxel, weight)


class BinaryLoss(Loss):
    """A loss of structures one by one: it learns q, the sigmoid of a structure's logit minus the background's.

    Structures do not overlap, so that the background has what they leave, 1 - sum q. Taking it for wherever every q is
    below a half loses tissue that is surely some structure but may be any of several (fetal brain, 8 structures:
    58 % of the voxels found).
    """

    def probabilities(self, logits, allowed):
        import torch

        structures = torch.sigmoid(logits[:, 1:] - logits[:, :1]) * allowed[:, 1:, None, None]
        background = (1 - structures.sum(1, keepdim=True)).clamp(min=0)
        every = torch.cat([background, structures], 1)
        return every / every.sum(1, keepdim=True)

    def from_softmax(self, logits):
        """The log odds of every structure against all else, the background among it; 0 for the background.

        Inside a structure a softmax leaves the background's and the *other* structures' logits alike, for all are low.
        Read as they are, their sigmoids would be a half there: a loss in every painted voxel where nothing is wrong,
        whose cheapest remedy is more background (glioma, 4 structures, 15 steps of MBCE: Dice .606, with this .614).
        """
        import torch

        share = torch.log_softmax(logits, 1)[:, 1:]
        rest = torch.log((-torch.expm1(share)).clamp(min=_SMALLEST_REST))
        return torch.cat([torch.zeros_like(logits[:, :1]), share - rest], 1)

    def towards(self, logits, target):
        """Binary cross entropy, the mean over the structures."""
        return _binary_cross_entropy(logits, target[:, 1:]).mean(1)


class PartialBinaryCrossEntropy(BinaryLoss):
    r"""PBCE (Martin 2022, eq. 2): every structure by itself, and what was painted is a positive, nothing else.

    .. math:: L = - \frac{1}{N} \sum_c \Big( \sum_{i: t_i = c} \log q_{ic} + \sum_{i: t_i = 0} \log (1 - q_{ic}) \Big)

    with i over the known voxels, N the number of terms and q the sigmoid of a structure's logit minus the
    background's. On a partly painted plane no voxel is known background, so that only the first sum, the
    positives, is left: the paper's equation, averaged over the voxels that count instead of over the whole image.
    The voxels of one structure say nothing about the others; that is what MBCE adds.
    """

    def sums(self, logits, labels, known, allowed=None):
        truth = one_hot(labels, logits.shape[1], logits.dtype)
        foreground = truth[:, 1:] * known[:, None]
        background = truth[:, :1] * known[:, None]
        weight = _with_absent(foreground + background, allowed)
        return _weighted_sums(_binary_cross_entropy(logits, foreground), weight)


class MultiClassBinaryCrossEntropy(BinaryLoss):
    r"""MBCE (Martin 2022, eq. 3-5): a binary cross entropy a structure, inside the fused masks of all of them.

    .. math:: L = - \frac{1}{C |K|} \sum_c \sum_{i \in K} [t_i = c] \log q_{ic} + [t_i \ne c] \log (1 - q_{ic})

    q as in PBCE. K is what is known: on a partly painted plane the union of all structures' masks (class-mask fusion:
    each painted voxel is a negative for the other structures), with a box also every voxel outside it, on a completely
    painted plane everything.
    """

    def sums(self, logits, labels, known, allowed=None):
        truth = one_hot(labels, logits.shape[1], logits.dtype)[:, 1:] * known[:, None]
        weight = _with_absent(known[:, None].expand_as(truth).to(logits.dtype), allowed)
        return _weighted_sums(_binary_cross_entropy(logits, truth), weight)


class SumOfLosses(Loss):
    """The sum of several losses, each with weight 1, of the same probabilities.

    Where one term needs a softmax the binary ones take q from it too: a structure's probability, not a sigmoid.
    """

    def __init__(self, terms: list[Loss]):
        self.terms = terms
        softmax = [term for term in terms if not isinstance(term, BinaryLoss)]
        self._reader = (softmax or terms)[0]

    def sums(self, logits, labels, known, allowed=None):
        every = (term.sums(self._as_read_by(term, logits), labels, known, allowed) for term in self.terms)
        return tuple(part for parts in every for part in parts)

    def of_sums(self, sums):
        return sum(term.of_sums((part,)) for term, part in zip(self.terms, sums, strict=True))

    def _as_read_by(self, term: Loss, logits: Tensor) -> Tensor:
        return logits if isinstance(self._reader, BinaryLoss) else term.from_softmax(logits)

    def probabilities(self, logits, allowed):
        """Those of a binary loss where all terms are binary, else the softmax, which the other terms need."""
        return self._reader.probabilities(logits, allowed)

    def from_softmax(self, logits):
        """As the terms read them; see `probabilities`."""
        return self._reader.from_softmax(logits)

    def towards(self, logits, target):
        """Of the probabilities that the terms read; see `probabilities`."""
        return self._reader.towards(logits, target)


LOSSES: dict[str, type[Loss]] = {
    "dice": SelectiveDice,
    "ce": SelectiveCrossEntropy,
    "pbce": PartialBinaryCrossEntropy,
    "mbce": MultiClassBinaryCrossEntropy,
}


def build_loss(name: str) -> Loss:
    """A loss by its name, or a sum by names joined with ``+``, such as ``dice+ce``.

    Raises
    ------
    InputError
        Naming those that exist, for an unknown name.
    """
    names = [part.strip() for part in name.split("+")]
    unknown = [part for part in names if part not in LOSSES]
    if unknown:
        raise InputError(f"there is no loss {unknown[0]!r}: choose among {', '.join(LOSSES)}, or join some with +")
    return SumOfLosses([LOSSES[part]() for part in names])


def one_hot(labels: Tensor, count: int, dtype) -> Tensor:
    """Labels (batch, ..., rows, columns) as (batch, count, ..., rows, columns) of zeros and ones."""
    import torch

    numbers = torch.arange(count, device=labels.device).view(1, -1, *[1] * (labels.ndim - 1))
    return (labels[:, None] == numbers).to(dtype)


def _binary_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """(batch, classes, rows, columns), of the sigmoids of logits relative to the background's."""
    from torch.nn import functional

    return functional.binary_cross_entropy_with_logits(logits[:, 1:] - logits[:, :1], truth, reduction="none")


def _with_absent(weight: Tensor, allowed: Tensor | None) -> Tensor:
    """Weights (batch, classes, rows, columns) with 1 on planes where all of a structure is known."""
    if allowed is None:
        return weight
    whole = ~allowed[:, 1:]
    return weight.masked_fill(whole.view(*whole.shape, *[1] * (weight.ndim - whole.ndim)), 1.0)


def _weighted_sums(values: Tensor, weight: Tensor) -> tuple[Tensor]:
    import torch

    return (torch.stack([(values * weight).sum(), weight.sum()]),)
