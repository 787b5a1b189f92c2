from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gantrans
from gantrans.api.method import Batch, LossSet, Parts
from gantrans.api.step import Domain
from gantrans.errors import GantransError
from gantrans.spec.load import load
from gantrans_noise.latents import draw_latents
from gantrans_noise.unconditional import Unconditional

REGISTRY = gantrans.load_registry()
SMALL = {"size": 16, "latent": 6, "width": 4, "max_width": 8, "mapping_layers": 1}


def no_translator(*_: Any) -> Any:
    raise AssertionError("it needs no generator of the spec")


def method(seed: int = 0, **settings: Any) -> Unconditional:
    losses = LossSet(
        {"adversarial": REGISTRY.config("loss", "adversarial", {"objective": "vanilla"}).build()}
    )
    judge = REGISTRY.config("discriminator", "residual", {"width": 4, "max_width": 8})

    def make_discriminator(name: str, domain: Domain, given: Domain | None = None) -> Any:
        return judge.build(in_channels={"a": 3, "b": 1}[domain])

    torch.manual_seed(0)
    config = REGISTRY.config("method", "unconditional", {**SMALL, **settings})
    parts = Parts(losses, seed, no_translator, make_discriminator, {"a": 3, "b": 1})
    built: Unconditional = config.build(parts=parts)
    return built


def batch(*shape: int, domain: Domain = "a") -> Batch:
    random = torch.Generator().manual_seed(1)
    real: dict[Domain, Tensor] = {domain: torch.rand(shape, generator=random) * 2 - 1}
    return Batch(real=real, ordinal=0, active={"adversarial"})


def test_it_reads_one_domain_and_makes_images_with_its_channels() -> None:
    made = method(domain="b")

    assert made.config.domains == ("b",)
    assert set(made.networks) == {"generator", "discriminator"}
    assert not made.generators
    assert list(made.averaged) == ["generator"]
    result = made.phases[0](batch(2, 1, 16, 16, domain="b"))
    assert result.fake["b"].shape == (2, 1, 16, 16)


def test_the_generator_pays_for_what_the_discriminator_makes_of_its_images() -> None:
    """The non-saturating loss: -log sigmoid(D(G(z)))."""
    made = method()

    result = made.phases[0](batch(4, 3, 16, 16))

    fake = result.fake["a"]
    [term] = result.terms["adversarial"].values()
    assert not fake.requires_grad
    wanted = F.softplus(-made.discriminator(fake)).mean()
    assert term.item() == pytest.approx(wanted.item(), rel=1e-5)
    term.backward()
    assert all(weight.grad is not None for weight in made.generator.parameters())


def test_the_discriminator_pays_for_real_images_and_for_those_of_the_generators_phase() -> None:
    made = method()
    real, fake = batch(4, 3, 16, 16).real["a"], -batch(4, 3, 16, 16).real["a"]
    given = Batch(real={"a": real}, ordinal=0, active={"adversarial"}, fake={"a": fake})

    [term] = made.phases[1](given).terms["adversarial"].values()

    judge = made.discriminator
    wanted = (F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()) / 2
    assert term.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_each_step_makes_new_images_of_what_torch_draws() -> None:
    made, real = method(), batch(2, 3, 16, 16)

    def fake(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return made.phases[0](real).fake["a"]

    assert torch.equal(fake(1), fake(1))
    assert not torch.equal(fake(1), fake(2))


def test_a_training_step_takes_its_styles_into_the_running_mean() -> None:
    made = method()
    torch.manual_seed(5)
    w = made.generator.mapping(torch.randn(2, 3, 6)[0])

    torch.manual_seed(5)
    made.phases[0](batch(3, 3, 16, 16))

    torch.testing.assert_close(made.generator.mean_w, 0.005 * w.mean(0).detach())


def test_a_sheet_is_the_same_at_every_look_and_another_for_another_seed() -> None:
    made = method()
    for name, strength in made.generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(strength, 0.5)

    def sheet(of: Unconditional, count: int) -> Tensor:
        torch.rand(1)  # whatever else draws
        with torch.inference_mode():
            [images] = of.sheets(made.networks, count).values()
        return images

    first = sheet(made, 5)
    assert first.shape == (5, 3, 16, 16)
    assert first.abs().max() <= 1
    assert torch.equal(first, sheet(made, 5))
    torch.testing.assert_close(first[:3], sheet(made, 3))
    assert not torch.allclose(first, sheet(method(seed=1), 5))


def test_drawing_a_sheet_leaves_torchs_generator_alone() -> None:
    made = method()
    before = torch.get_rng_state()

    made.sheets(made.networks, 2)

    assert torch.equal(before, torch.get_rng_state())


def test_image_n_of_a_seed_is_made_of_the_same_whatever_is_drawn_with_it() -> None:
    generator = method().generator
    many, one = draw_latents(generator, 7, range(5)), draw_latents(generator, 7, range(3, 4))

    assert torch.equal(many.z[3:4], one.z)
    assert all(torch.equal(a[3:4], b) for a, b in zip(many.noise, one.noise, strict=True))
    assert not torch.equal(many.z[2], many.z[3])
    assert not torch.equal(many.z, draw_latents(generator, 8, range(5)).z)


def test_a_size_that_is_no_power_of_two_is_refused_with_those_that_are() -> None:
    spec = {
        "method": {"type": "unconditional", "size": 48},
        "data": {"type": "seasons"},
        "losses": {"adversarial": {}},
    }
    with pytest.raises(GantransError, match=r"method\.size: .*such as 32 or 64"):
        load(spec)
