from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans_noise.generator import StyleGenerator
from gantrans_noise.style_mixing import mix_styles


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def generator(**settings: Any) -> StyleGenerator:
    torch.manual_seed(0)
    sizes = {"size": 16, "latent": 6, "width": 4, "max_width": 8, "mapping_layers": 2}
    return StyleGenerator(3, **{**sizes, **settings})


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (64, 4)])
def test_images_have_the_size_and_the_range_that_are_promised(size: int, channels: int) -> None:
    torch.manual_seed(0)
    made = StyleGenerator(channels, size=size, latent=6, width=4, max_width=8, mapping_layers=1)

    images = made(5 * noise(3, 6))

    assert images.shape == (3, channels, size, size)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1


def test_channels_double_as_the_size_halves_up_to_the_most() -> None:
    with torch.device("meta"):
        made = StyleGenerator(3, size=64, latent=5, width=16, max_width=100, mapping_layers=1)

    convolutions = [made.first, *(c for b in made.blocks for c in (b.first, b.second))]
    widths = [100, 100, 100, 64, 64, 32, 32, 16, 16]
    assert [len(c.bias) for c in convolutions] == widths
    assert made.constant.shape == (1, 100, 4, 4)
    assert made.noise_sides == (4, 8, 8, 16, 16, 32, 32, 64, 64)
    assert made.styles == 10  # StyleGAN2: 2 log2(64) - 2


def test_the_image_is_the_sum_of_what_every_size_adds() -> None:
    made, z = generator(), noise(2, 6)
    w = made.mapping(z)
    added: list[Tensor] = []
    for part in (made.first_image, *(block.to_image for block in made.blocks)):
        part.register_forward_hook(lambda *call: added.append(call[2]))

    image = made(z, noise="off")

    total = added[0]
    for more in added[1:]:
        total = F.interpolate(total, scale_factor=2, mode="bilinear") + more
    assert len(added) == 3
    torch.testing.assert_close(image, torch.tanh(total))
    torch.testing.assert_close(made.synthesis(w[:, None].expand(-1, 6, -1), "off"), image)


def test_a_style_acts_on_the_layers_that_it_is_given_to() -> None:
    made = generator()
    w = noise(1, made.styles, 6)
    last = w.clone()
    last[:, -1] += 1
    seen: list[Tensor] = []
    made.blocks[-1].second.register_forward_hook(lambda *call: seen.append(call[2]))

    images = [made.synthesis(one, "off") for one in (w, last)]

    assert torch.equal(*seen)
    assert not torch.equal(*images)


def test_noise_counts_for_nothing_before_its_strength_is_learned() -> None:
    made, z = generator(), noise(2, 6)

    assert torch.equal(made(z), made(z, noise="off"))
    made(z).square().sum().backward()
    for block in made.blocks:
        assert block.second.noise_strength.grad.item() != 0


def test_noise_is_drawn_anew_unless_it_is_given() -> None:
    made, z = generator(), noise(2, 6)
    for module in made.modules():
        if hasattr(module, "noise_strength"):
            nn.init.constant_(module.noise_strength, 0.5)
    given = [noise(2, 1, side, side, seed=side) for side in made.noise_sides]

    assert not torch.equal(made(z), made(z))
    assert torch.equal(made(z, noise=given), made(z, noise=given))
    assert not torch.equal(made(z, noise=given), made(z, noise="off"))
    torch.manual_seed(3)
    first = made(z)
    torch.manual_seed(3)
    assert torch.equal(first, made(z))


def test_truncation_draws_w_to_its_mean_and_0_gives_the_mean_image() -> None:
    made, z = generator(), noise(4, 6)
    mean = noise(6, seed=9)
    made.mean_w.copy_(mean)
    w = made.mapping(z)

    def image_of(styles: Tensor) -> Tensor:
        return made.synthesis(styles[:, None].expand(-1, made.styles, -1), "off")

    none = made(z, truncation=0.0, noise="off")
    torch.testing.assert_close(none, image_of(mean.expand(4, -1)))
    half = made(z, truncation=0.5, noise="off")
    torch.testing.assert_close(half, image_of((w + mean) / 2))
    torch.testing.assert_close(made(z, noise="off"), image_of(w))


def test_the_mean_of_w_is_a_running_mean_and_saved() -> None:
    made = generator()
    first, second = noise(4, 6), noise(4, 6, seed=2)

    made.take_in(first)
    made.take_in(second)

    wanted = 0.995 * 0.005 * first.mean(0) + 0.005 * second.mean(0)
    torch.testing.assert_close(made.state_dict()["mean_w"], wanted)


def test_a_gradient_reaches_every_weight_of_the_generator() -> None:
    made = generator()

    made(noise(2, 6)).square().sum().backward()

    for name, weight in made.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.any(), name


def test_in_bfloat16_images_are_finite_and_nearly_the_same() -> None:
    made, z = generator(), noise(4, 6)
    with torch.no_grad():
        exact = made(z, noise="off")
        with torch.autocast("cpu", torch.bfloat16):
            mixed = made(z, noise="off")

    assert mixed.dtype == torch.float32
    assert (mixed - exact).abs().mean() < 0.05


def test_a_mixed_image_has_the_second_style_from_some_layer_on() -> None:
    torch.manual_seed(0)
    first, second = torch.zeros(400, 1), torch.ones(400, 1)

    mixed = mix_styles(first, second, 5, 0.75)[..., 0]

    assert torch.equal(mixed, mixed.sort(dim=1).values)  # never back to the first
    assert (mixed[:, 0] == 0).all()
    share = [(mixed.sum(1) == n).float().mean().item() for n in range(5)]
    assert share == pytest.approx([0.25, *[0.75 / 4] * 4], abs=0.08)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_all_or_no_images_are_mixed_at_the_ends(probability: float) -> None:
    mixed = mix_styles(torch.zeros(50, 1), torch.ones(50, 1), 4, probability)

    assert mixed.amax(dim=(1, 2)).eq(probability).all()
