from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from critics import Linear, Scales, Square, judged_by
from gantrans.api.input_gradient import input_gradient, somewhere_between
from gantrans.api.step import TranslationStep
from gantrans.builtins.discriminators.patchgan import PatchGAN
from gantrans.errors import DataError
from gantrans.plugin.registry import Registry

SHAPE = (3, 8, 10)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradient_of(critic: nn.Module, images: Tensor) -> Tensor:
    return input_gradient(judged_by(critic, None), "a", images)


def patchgan(registry: Registry, **settings: Any) -> PatchGAN:
    table = {"width": 3, "layers": 2, **settings}
    torch.manual_seed(0)
    built: PatchGAN = registry.config("discriminator", "patchgan", table).build(in_channels=3)
    return built


def test_of_a_linear_critic_it_is_the_same_at_every_image() -> None:
    w = randn(*SHAPE)
    found = gradient_of(Linear(w), randn(4, *SHAPE, seed=1))
    assert torch.allclose(found, w.expand(4, *SHAPE))


def test_each_image_gets_the_gradient_of_its_own_score() -> None:
    images = randn(4, *SHAPE)
    assert torch.allclose(gradient_of(Square(), images), images)


def test_the_score_of_an_image_is_the_mean_over_its_patches() -> None:
    patches = randn(5, *SHAPE)
    found = gradient_of(Linear(patches), randn(2, *SHAPE, seed=1))
    assert torch.allclose(found, patches.mean(0).expand(2, *SHAPE), atol=1e-6)


def test_of_a_conditional_critic_it_is_by_the_image_alone() -> None:
    """D(c, x) = <w_c, c> + <w_x, x> has the slope w_x, whatever the condition."""
    w = randn(5, 8, 10)
    condition = randn(4, 2, 8, 10, seed=1).requires_grad_()
    step = TranslationStep({"real": {}}, {"a": cast("Any", Linear(w))}, conditions={"a": condition})
    found = input_gradient(step, "a", randn(4, *SHAPE, seed=2))
    assert torch.allclose(found, w[2:].expand(4, *SHAPE))
    bent = TranslationStep({"real": {}}, {"a": cast("Any", Square())}, conditions={"a": condition})
    images = randn(4, *SHAPE, seed=2)
    assert torch.allclose(input_gradient(bent, "a", images), images)
    assert condition.grad is None


def test_scales_count_alike_whatever_the_size_of_their_maps() -> None:
    many, one = randn(9, *SHAPE), randn(*SHAPE, seed=1)
    found = gradient_of(Scales(Linear(many), Linear(one)), randn(2, *SHAPE, seed=2))
    assert torch.allclose(found, ((many.mean(0) + one) / 2).expand(2, *SHAPE), atol=1e-6)


def test_the_sum_over_patches_and_scales_is_there_for_methods_that_take_it() -> None:
    many, one = randn(9, *SHAPE), randn(*SHAPE, seed=1)
    step = judged_by(Scales(Linear(many), Linear(one)), None)
    found = input_gradient(step, "a", randn(2, *SHAPE, seed=2), score="sum")
    assert torch.allclose(found, (many.sum(0) + one).expand(2, *SHAPE), atol=1e-5)


def test_whether_a_patchgan_pools_its_scores_itself_makes_no_difference(
    builtins: Registry,
) -> None:
    patches, pooled = (patchgan(builtins, pool=pool) for pool in ("none", "mean"))
    pooled.load_state_dict(patches.state_dict())
    images = randn(2, 3, 24, 24)
    assert torch.allclose(gradient_of(patches, images), gradient_of(pooled, images), atol=1e-7)


def test_nothing_flows_back_into_the_images() -> None:
    images = randn(2, *SHAPE).requires_grad_()
    before = images.detach().clone()
    critic = Scales(Linear(randn(*SHAPE)), Square())
    gradient_of(critic, images * 1).square().sum().backward()
    assert images.grad is None
    assert torch.equal(images, before)
    plain = before.clone()
    gradient_of(critic, plain)
    assert not plain.requires_grad


def test_it_is_computed_in_float32_where_the_step_is_not(builtins: Registry) -> None:
    critic, images = patchgan(builtins), randn(2, 3, 24, 24)
    expected = gradient_of(critic, images)
    with torch.autocast("cpu", torch.bfloat16):
        assert critic(images).dtype == torch.bfloat16
        found = gradient_of(critic, images)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_images_between_two_are_uniform_on_the_line_that_joins_them() -> None:
    torch.manual_seed(0)
    real, fake = torch.full((20_000, 1, 2, 2), 0.75), torch.full((20_000, 1, 2, 2), -0.25)
    between = somewhere_between(real, fake)
    u = between[:, 0, 0, 0] + 0.25
    assert torch.equal(between, between[:, :, :1, :1].expand_as(between)), "one u for an image"
    assert 0 <= u.min() < 0.001
    assert 0.999 < u.max() <= 1
    # An error of the mean of 20,000 uniform numbers is 0.002, one of their variance 0.0005.
    assert u.mean().item() == pytest.approx(0.5, abs=0.01)
    assert u.var().item() == pytest.approx(1 / 12, abs=0.0025)
    assert abs(torch.corrcoef(torch.stack([u[1:], u[:-1]]))[0, 1]) < 0.03, "images draw apart"


def test_between_images_of_two_sizes_there_is_none() -> None:
    with pytest.raises(
        DataError, match="real images of 6 x 4 pixels with translated ones of 6 x 8"
    ):
        somewhere_between(randn(1, 3, 4, 6), randn(1, 3, 8, 6))


# Against finite differences: first the gradient, then what a penalty on it asks of the weights.


def reflecting() -> nn.Sequential:
    """What discriminators of others are made of."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(4, 4, 3, stride=2),
        nn.InstanceNorm2d(4, affine=True),
        nn.SiLU(inplace=True),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 1, 1),
    ).eval()  # else spectral norm moves on with every call


CRITICS: dict[str, Callable[[Registry], nn.Module]] = {
    **{
        norm: lambda registry, norm=norm: patchgan(registry, norm=norm)  # type: ignore[misc]
        for norm in ("instance", "batch", "none")
    },
    "instance, affine": lambda r: patchgan(r, norm={"type": "instance", "affine": True}),
    "group": lambda r: patchgan(r, width=4, norm={"type": "group", "groups": 2}),
    "reflecting": lambda _: reflecting(),
}


@pytest.fixture(params=CRITICS)
def critic(request: pytest.FixtureRequest, builtins: Registry) -> nn.Module:
    made = CRITICS[request.param](builtins).double()
    made.couples_batch = request.param == "batch"
    return made


def difference(value: Callable[[], Tensor], at: Tensor, along: Tensor) -> float:
    """The central difference of `value` while `at` moves along a direction."""
    step = 1e-6
    with torch.no_grad():
        at += step * along
    above = value().item()
    with torch.no_grad():
        at -= 2 * step * along
    below = value().item()
    with torch.no_grad():
        at += step * along
    return (above - below) / (2 * step)


def test_it_agrees_with_finite_differences(critic: nn.Module) -> None:
    images, along = (randn(2, 3, 14, 14, seed=s, dtype=torch.float64) for s in (1, 2))
    found = (gradient_of(critic, images) * along).sum().item()
    expected = difference(lambda: critic(images).mean(dim=(1, 2, 3)).sum(), images, along)
    assert found == pytest.approx(expected, rel=1e-5)


def test_what_a_penalty_asks_of_the_weights_agrees_with_finite_differences(
    critic: nn.Module,
) -> None:
    images = randn(2, 3, 14, 14, seed=1, dtype=torch.float64)

    def penalty() -> Tensor:
        slope = gradient_of(critic, images).flatten(1).norm(dim=1)
        return (slope - 1).square().mean()

    penalty().backward()
    for seed, (name, weight) in enumerate(critic.named_parameters()):
        along = randn(*weight.shape, seed=seed, dtype=torch.float64)
        expected = difference(penalty, weight, along)
        found = 0.0 if weight.grad is None else (weight.grad * along).sum().item()
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-7), name
    assert any(w.grad is not None and bool(w.grad.any()) for w in critic.parameters())
