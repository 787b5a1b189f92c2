"""Against the formulas of the paper, with the method's own networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gantrans.api.method import Batch
from gantrans.training.assemble import Job
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

LOSSES = {"adversarial": {"objective": "vanilla"}, "l1": {}, "cycle": None, "identity": None}
SPEC: dict[str, Any] = {
    "method": {"type": "pix2pix"},
    "data": {"pairs": True, "transform": {"flip": False}},
    "losses": LOSSES,
}


def job_of(direction: str = "ab", **changes: Any) -> Job:
    return tiny_job(**{**SPEC, "method": {"type": "pix2pix", "direction": direction}, **changes})


def batch_of(job: Job) -> Batch:
    [[loaded]] = steps_of(job, 1)
    return Batch(loaded.real, 0, set(job.spec.losses), paired=job.samples.paired)


def calls(network: nn.Module) -> list[int]:
    """Fills with the number of images of each call."""
    seen: list[int] = []
    network.register_forward_hook(lambda _, images, __: seen.append(len(images[0])))
    return seen


def log_sigmoid(score: Tensor) -> Tensor:
    return torch.log(1 / (1 + torch.exp(-score.double())))


@pytest.mark.parametrize("direction", ["ab", "ba"])
def test_the_terms_of_a_step_are_those_of_the_paper(direction: Literal["ab", "ba"]) -> None:
    job = job_of(direction)
    source, target = direction  # type: ignore[misc]
    networks = job.method.networks
    assert list(networks) == [f"generator_{direction}", f"discriminator_{target}"]
    assert list(job.method.generators) == [direction]
    g, d = networks.values()
    batch = batch_of(job)
    x, y = batch.real[source], batch.real[target]

    generators, discriminators = job.method.phases
    result = generators(batch)
    judged = discriminators(replace(batch, fake=result.fake))

    with torch.no_grad():
        fake = g(x)
        on_fake, on_real = d(torch.cat([x, fake], dim=1)), d(torch.cat([x, y], dim=1))
        # What it would be if the image came first: another number, or nothing would be shown here.
        swapped = d(torch.cat([fake, x], dim=1))
    assert torch.allclose(result.fake[target], fake, atol=1e-6)
    persuaded = -log_sigmoid(on_fake).mean().item()
    assert -log_sigmoid(swapped).mean().item() != pytest.approx(persuaded, rel=1e-4)
    assert numbers(result.terms) == {
        "adversarial": {direction: pytest.approx(persuaded, rel=1e-5)},
        "l1": {target: pytest.approx((fake - y).abs().mean().item(), rel=1e-5)},
    }
    told_apart = -(log_sigmoid(on_real).mean() + log_sigmoid(-on_fake).mean()) / 2
    assert numbers(judged.terms) == {
        "adversarial": {target: pytest.approx(told_apart.item(), rel=1e-5)}
    }


def numbers(terms: Any) -> dict[str, dict[str, float]]:
    return {loss: {k: v.item() for k, v in given.items()} for loss, given in terms.items()}


def test_the_loss_to_the_truth_weighs_100() -> None:
    assert job_of().spec.losses["l1"].weight == 100


def test_each_image_is_translated_once_and_judged_beside_its_input() -> None:
    job = job_of()
    g, d = job.method.networks.values()
    made, judged = calls(g), calls(d)
    batch = batch_of(job)
    result = job.method.phases[0](batch)
    assert (made, judged) == ([1], [1])
    job.method.phases[1](job.method.phases[1].prepare(replace(batch, fake=result.fake)))
    assert (made, judged) == ([1], [1, 2])  # real and translated in one pass


def test_with_batch_norm_real_and_translated_images_are_judged_apart() -> None:
    job = job_of(discriminator={"norm": "batch"})
    judged = calls(job.method.networks["discriminator_b"])
    batch = batch_of(job)
    job.method.phases[1](replace(batch, fake={"b": batch.real["a"]}))
    assert judged == [1, 1]


def test_the_discriminator_sees_this_steps_translations_without_a_graph() -> None:
    job = job_of(generator={"dropout": 0.5})  # a second pass would give another translation
    batch = batch_of(job)
    torch.manual_seed(0)
    result = job.method.phases[0](batch)
    torch.manual_seed(0)
    assert torch.equal(result.fake["b"], job.method.networks["generator_ab"](batch.real["a"]))
    assert not result.fake["b"].requires_grad
    after = job.method.phases[1].prepare(replace(batch, fake=result.fake))
    assert torch.equal(after.fake["b"], result.fake["b"])  # no image pool
    assert job.method.state() == {}


@pytest.mark.parametrize(("direction", "ends"), [("ab", (1, 3)), ("ba", (3, 1))])
def test_domains_may_have_different_channels(
    direction: str, ends: tuple[int, int], tmp_path: Path
) -> None:
    for n, (folder, mode) in enumerate([("trainA", "L"), ("trainB", "RGB")]):
        (tmp_path / folder).mkdir()
        for index in range(2):
            image = Image.linear_gradient("L").resize((32, 32)).rotate(90 * index + 180 * n)
            image.convert(mode).save(tmp_path / folder / f"{index}.png")
    job = job_of(
        direction,
        data={
            **dict.fromkeys(("size", "train", "test", "pairs")),
            "type": "paired_folder",
            "root": str(tmp_path),
            "channels": {"a": 1, "b": 3},
        },
    )
    g, d = job.method.networks.values()
    assert (g.in_channels, g.out_channels, d.in_channels) == (*ends, 4)
    step = TrainingStep(job)
    for number, loaded in enumerate(steps_of(job, 2)):
        terms = step(number, loaded)
        assert len(terms) == 3
        assert all(torch.isfinite(term) for term in terms.values())

    batch = batch_of(job)
    source, target = direction
    x, fake = batch.real[source], job.method.phases[0](batch).fake[target]  # type: ignore[index]
    score = d(torch.cat([x, fake], dim=1))
    term = job.method.phases[0](batch).terms["adversarial"][direction]  # type: ignore[index]
    assert term.item() == pytest.approx(-log_sigmoid(score).mean().item(), rel=1e-5)


def test_a_step_trains_both_networks_and_names_its_curves() -> None:
    job = job_of(domains={"a": "labels", "b": "photos"})
    step = TrainingStep(job)
    before = {name: weights_of(network) for name, network in job.method.networks.items()}
    [loaded] = steps_of(job, 1)
    assert set(step(0, loaded)) == {
        "generator/adversarial/labels->photos",
        "generator/l1/photos",
        "discriminator/adversarial/photos",
    }
    for name, network in job.method.networks.items():
        assert not torch.equal(weights_of(network), before[name]), name


def test_penalties_on_the_discriminators_slope_work_beside_a_condition() -> None:
    losses = {**LOSSES, "r1": {}, "gradient_penalty": {}}
    job = job_of(losses=losses)
    [loaded] = steps_of(job, 1)
    terms = TrainingStep(job)(0, loaded)
    for loss in ("r1", "gradient_penalty"):
        assert torch.isfinite(terms[f"discriminator/{loss}/b"])


def weights_of(network: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])
