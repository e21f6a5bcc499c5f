"""Every loss by hand on a plane of 2 x 3 voxels; what is not known gets no gradient."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.errors import InputError  # noqa: E402
from SparseAnnotateLib.learning.losses import LOSSES, build_loss  # noqa: E402

LOG2 = math.log(2)


@pytest.fixture
def two_classes():
    """Background and one structure: the logit of the structure is 0, log 3 or -log 3: probabilities 1/2, 3/4, 1/4."""
    a = math.log(3)
    logits = torch.zeros(1, 2, 2, 3)
    logits[0, 1] = torch.tensor([[0.0, a, -a], [a, a, 0.0]])
    labels = torch.tensor([[[1, 1, 0], [0, 1, 1]]])
    known = torch.tensor([[[True, True, True], [True, False, False]]])
    return logits, labels, known


@pytest.fixture
def three_classes():
    """Two structures; all logits 0 but one."""
    logits = torch.zeros(1, 3, 2, 3)
    logits[0, 2, 0, 1] = math.log(3)
    labels = torch.tensor([[[1, 2, 0], [0, 1, 2]]])
    known = torch.tensor([[[True, True, True], [False, False, False]]])
    return logits, labels, known


def test_selective_dice_sums_over_the_known_voxels_of_the_batch(two_classes):
    # p: 1/2 3/4 1/4 3/4 on the known voxels, truth 1 1 0 0: overlap 5/4, sums 9/4 and 2, smoothed by 1.
    assert float(build_loss("dice")(*two_classes)) == pytest.approx(1 - (2 * 1.25 + 1) / (2.25 + 2 + 1))


def test_selective_dice_sums_over_the_batch_before_it_divides(two_classes):
    logits, labels, known = (torch.cat([tensor, tensor]) for tensor in two_classes)
    known[1, 0, 0] = False  # the second plane lacks p = 1/2, truth 1
    expected = 1 - (2 * (1.25 + 0.75) + 1) / ((2.25 + 1.75) + (2 + 1) + 1)
    assert float(build_loss("dice")(logits, labels, known)) == pytest.approx(expected)


def test_selective_dice_is_the_mean_over_structures(three_classes):
    # p of structure 1: 1/3 1/5 1/3, truth 1 0 0; of structure 2: 1/3 3/5 1/3, truth 0 1 0.
    first = 1 - (2 / 3 + 1) / (13 / 15 + 1 + 1)
    second = 1 - (6 / 5 + 1) / (19 / 15 + 1 + 1)
    assert float(build_loss("dice")(*three_classes)) == pytest.approx((first + second) / 2)


def test_selective_cross_entropy_is_the_mean_over_known_voxels(two_classes):
    expected = -(math.log(0.5) + math.log(0.75) + math.log(0.75) + math.log(0.25)) / 4
    assert float(build_loss("ce")(*two_classes)) == pytest.approx(expected)


def test_pbce_on_a_partly_painted_plane_sees_positives_only(two_classes):
    logits, labels, _ = two_classes
    # What carries a label is known: the positives, q = 1/2, 3/4, 3/4, 1/2.
    expected = -(2 * math.log(0.5) + 2 * math.log(0.75)) / 4
    assert float(build_loss("pbce")(logits, labels, labels > 0)) == pytest.approx(expected)


def test_pbce_takes_no_structure_as_a_negative_of_another(three_classes):
    logits, labels, known = three_classes
    # Structure 1: positive q = 1/2, background q = 1/2. Structure 2: positive q = 3/4, background q = 1/2.
    expected = (3 * LOG2 - math.log(0.75)) / 4
    assert float(build_loss("pbce")(logits, labels, known)) == pytest.approx(expected)


def test_mbce_takes_each_structure_as_a_negative_of_the_others(three_classes):
    logits, labels, known = three_classes
    # Structure 1: three voxels at q = 1/2. Structure 2: 1/2 as a negative, 3/4 as a positive, 1/2 as a negative.
    expected = (5 * LOG2 - math.log(0.75)) / 6
    assert float(build_loss("mbce")(logits, labels, known)) == pytest.approx(expected)


def test_mbce_with_fused_masks_leaves_out_what_no_structure_covers(three_classes):
    logits, labels, _ = three_classes
    fused = labels > 0  # four voxels, two structures
    expected = (7 * LOG2 - math.log(0.75)) / 8
    assert float(build_loss("mbce")(logits, labels, fused)) == pytest.approx(expected)


def test_mbce_with_a_box_takes_what_lies_outside_as_a_negative_of_all(three_classes):
    logits, labels, _ = three_classes
    box_and_masks = (labels > 0) | torch.tensor([[[False, False, True], [False, False, False]]])
    expected = (9 * LOG2 - math.log(0.75)) / 10
    assert float(build_loss("mbce")(logits, labels, box_and_masks)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["pbce", "mbce"])
def test_a_class_that_cannot_occur_on_a_plane_is_absent_from_all_of_it(name, three_classes):
    logits, labels, _ = three_classes
    nothing_known = torch.zeros_like(labels, dtype=torch.bool)
    allowed = torch.tensor([[True, True, False]])
    # The six voxels are negatives of structure 2, one of them with q = 3/4; structure 1 has no term.
    expected = (5 * LOG2 - math.log(0.25)) / 6
    assert float(build_loss(name)(logits, labels, nothing_known, allowed)) == pytest.approx(expected)


@pytest.mark.parametrize(("one", "other"), [("dice", "ce"), ("mbce", "pbce")])
def test_a_sum_of_losses_is_the_sum(one, other, three_classes):
    parts = float(build_loss(one)(*three_classes)) + float(build_loss(other)(*three_classes))
    assert float(build_loss(f"{one} + {other}")(*three_classes)) == pytest.approx(parts)


def test_beside_a_softmax_loss_a_binary_one_judges_the_same_probabilities(three_classes):
    # Softmax: structure 1 has 1/3, 1/5, 1/3; structure 2 has 1/3, 3/5, 1/3; truths 1 0 0 and 0 1 0.
    mbce = -(math.log(1 / 3) + math.log(4 / 5) + math.log(2 / 3) + 2 * math.log(2 / 3) + math.log(3 / 5)) / 6
    dice = float(build_loss("dice")(*three_classes))
    assert float(build_loss("dice+mbce")(*three_classes)) == pytest.approx(dice + mbce, abs=1e-6)


@pytest.mark.parametrize("name", [*LOSSES, "dice+ce", "mbce+pbce", "ce+mbce"])
def test_every_loss_reads_the_probabilities_of_a_prior_as_they_are(name):
    loss, logits = build_loss(name), torch.tensor([1.0, -5.0, 5.0])[None, :, None, None]
    found = loss.probabilities(loss.from_softmax(logits), torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(found, torch.softmax(logits, 1), atol=1e-5, rtol=1e-3)


def test_towards_probabilities_a_loss_is_the_cross_entropy_with_them():
    logits = torch.tensor([0.0, math.log(3), 0.0])[None, :, None, None]
    target = torch.tensor([0.5, 0.25, 0.25])[None, :, None, None]
    # Softmax: 1/5, 3/5, 1/5. Sigmoids of the structures: 3/4 and 1/2.
    assert float(build_loss("dice+ce").towards(logits, target)) == pytest.approx(
        -(0.5 * math.log(1 / 5) + 0.25 * math.log(3 / 5) + 0.25 * math.log(1 / 5))
    )
    expected = -(0.25 * math.log(3 / 4) + 0.75 * math.log(1 / 4) - LOG2) / 2
    assert float(build_loss("mbce").towards(logits, target)) == pytest.approx(expected)


def test_what_a_prior_is_sure_of_costs_a_binary_loss_next_to_nothing():
    # Deep inside structure 1 distances of all else are alike: as plain logits they would be log 2 of loss a structure.
    prior = torch.tensor([-5.0, 5.0, -5.0, -5.0])[None, :, None, None]
    inside, known = torch.ones(1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.bool)
    loss = build_loss("mbce")
    assert float(loss(loss.from_softmax(prior), inside, known)) < 1e-3


@pytest.mark.parametrize("name", [*LOSSES, "dice+ce", "dice+mbce"])
def test_a_batch_in_parts_has_the_loss_of_the_whole(name, three_classes):
    logits, labels, known = (torch.cat([tensor, tensor.flip(-1)]) for tensor in three_classes)
    loss = build_loss(name)
    parts = [loss.sums(logits[n : n + 1], labels[n : n + 1], known[n : n + 1]) for n in range(2)]
    added = tuple(sum(column) for column in zip(*parts, strict=True))
    assert float(loss.of_sums(added)) == pytest.approx(float(loss(logits, labels, known)))


@pytest.mark.parametrize("name", ["dice", "ce", "dice+ce"])
def test_blocks_have_the_loss_of_their_planes(name, three_classes):
    logits, labels, known = (torch.cat([tensor, tensor.flip(-1)]) for tensor in three_classes)
    loss = build_loss(name)
    block = (logits.movedim(0, 1)[None], labels[None], known[None])
    assert float(loss(*block)) == pytest.approx(float(loss(logits, labels, known)))


def probabilities(name, logits, allowed=(True, True, True)):
    planes = torch.tensor(logits)[None, :, None, None]
    return build_loss(name).probabilities(planes, torch.tensor([allowed])).flatten().tolist()


@pytest.mark.parametrize("name", ["dice+ce", "dice+mbce"])
def test_the_logits_of_losses_of_all_classes_together_stand_for_their_softmax(name):
    assert probabilities(name, [math.log(2), 0.0, 0.0]) == pytest.approx([1 / 2, 1 / 4, 1 / 4])
    assert probabilities(name, [math.log(2), 0.0, 0.0], (True, False, True)) == pytest.approx([2 / 3, 0, 1 / 3])


@pytest.mark.parametrize("name", ["mbce", "pbce", "mbce+pbce"])
def test_after_binary_losses_the_background_has_what_the_structures_leave(name):
    # Odds of 1/3 and 1: q = 1/4 and 1/2, 1/4 is left.
    assert probabilities(name, [0.0, -math.log(3), 0.0]) == pytest.approx([1 / 4, 1 / 4, 1 / 2])
    # Surely one of two structures, though neither is above a half: no background.
    assert probabilities(name, [0.0, 0.0, -1e-4])[0] < 1e-4
    assert probabilities(name, [0.0, 2.0, 2.0]) == pytest.approx([0, 1 / 2, 1 / 2])
    assert probabilities(name, [0.0, 2.0, 0.0], (True, False, True)) == pytest.approx([1 / 2, 0, 1 / 2])


@pytest.mark.parametrize("name", [*LOSSES, "dice+ce"])
def test_no_gradient_reaches_unknown_voxels(name):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 2, 3, generator=generator, requires_grad=True)
    labels = torch.tensor([[[1, 2, 0], [0, 1, 2]], [[0, 0, 0], [1, 1, 2]]])
    known = torch.tensor([[[1, 1, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 1]]], dtype=torch.bool)
    build_loss(name)(logits, labels, known).backward()
    reached = (logits.grad != 0).any(1)
    assert not (reached & ~known).any()
    assert (reached & known).any()


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_batch_in_which_nothing_is_known_has_a_finite_loss_and_no_gradient(name):
    logits = torch.zeros(1, 3, 2, 3, requires_grad=True)
    loss = build_loss(name)(logits, torch.zeros(1, 2, 3, dtype=torch.long), torch.zeros(1, 2, 3, dtype=torch.bool))
    loss.backward()
    assert torch.isfinite(loss)
    assert not logits.grad.any()


def test_an_unknown_loss_is_refused_by_name():
    with pytest.raises(InputError, match=r"no loss 'focal': choose among dice, ce, pbce, mbce"):
        build_loss("dice+focal")


@pytest.mark.parametrize("name", ["pbce", "mbce"])
def test_a_structure_that_is_complete_on_a_plane_is_absent_where_nothing_is_known(name, three_classes):
    """Structure 1 is complete, structure 2 is not: an unlabelled voxel is not 1, and may be 2."""
    logits, labels, known = (tensor.clone() for tensor in three_classes)
    known[:] = labels > 0
    logits.requires_grad_()
    allowed = torch.tensor([[True, False, True]])
    build_loss(name)(logits, labels, known, allowed).backward()
    unlabelled = labels == 0
    gradient = logits.grad[0]
    assert (gradient[1][unlabelled[0]] > 0).all()
    assert (gradient[2][unlabelled[0]] == 0).all()
    assert gradient[1, 0, 0] < 0


@pytest.mark.parametrize("name", ["pbce", "mbce"])
def test_blocks_say_plane_by_plane_what_is_complete(name, three_classes):
    logits, labels, known = (
        torch.stack([tensor, tensor], dim=2 if tensor.ndim == 4 else 1) for tensor in three_classes
    )
    known = labels > 0
    allowed = torch.tensor([[[True, True], [False, True], [True, True]]])
    together = build_loss(name).sums(logits, labels, known, allowed)
    planes = [build_loss(name).sums(logits[:, :, n], labels[:, n], known[:, n], allowed[:, :, n]) for n in range(2)]
    for whole, *parts in zip(together, *planes, strict=True):
        assert torch.allclose(whole, sum(parts))
