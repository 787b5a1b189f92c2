from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.method import Batch
from gantrans.api.step import DOMAINS
from gantrans.training.assemble import Job
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job


def batch_of(job: Job, active: Iterable[str] | None = None) -> Batch:
    [[loaded]] = steps_of(job, 1)
    return Batch(
        loaded.real,
        ordinal=0,
        active=set(job.spec.losses if active is None else active),
        paired=job.samples.paired,
    )


def calls(network: nn.Module) -> list[int]:
    """Fills with the number of images of each call."""
    seen: list[int] = []
    network.register_forward_hook(lambda _, images, __: seen.append(len(images[0])))
    return seen


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        ({"adversarial", "cycle", "identity"}, [2, 1]),  # translation and identity in one
        ({"adversarial", "cycle"}, [1, 1]),
        ({"adversarial", "identity"}, [2]),
        ({"adversarial"}, [1]),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else "",
)
def test_passes_that_no_active_loss_reads_are_not_run(
    active: set[str], expected: list[int]
) -> None:
    job = tiny_job()
    generators = [job.method.networks[f"generator_{direction}"] for direction in ("ab", "ba")]
    seen = [calls(generator) for generator in generators]
    job.method.phases[0](batch_of(job, active))
    assert seen == [expected, expected]


def test_with_batch_norm_translation_and_identity_are_passes_of_their_own() -> None:
    job = tiny_job(generator={"norm": "batch"}, discriminator={"norm": "batch"})
    seen = calls(job.method.networks["generator_ab"])
    judged = calls(job.method.networks["discriminator_b"])
    batch = batch_of(job)
    result = job.method.phases[0](batch)
    assert seen == [1, 1, 1]
    judged.clear()
    job.method.phases[1](Batch(batch.real, 0, batch.active, fake=result.fake))
    assert judged == [1, 1]


def test_each_discriminator_judges_real_and_translated_images_in_one_pass() -> None:
    job = tiny_job()
    batch = batch_of(job)
    seen = calls(job.method.networks["discriminator_a"])
    job.method.phases[1](Batch(batch.real, 0, batch.active, fake={"a": batch.real["b"]}))
    assert seen == [2]


def test_each_image_comes_from_the_generator_of_its_direction() -> None:
    """With generators that make constant images, which say who made them."""

    class Constant(nn.Module):
        name, out_channels, couples_batch = "constant", 3, False

        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.tensor(value))

        def forward(self, x: Tensor) -> Tensor:
            return torch.full_like(x, 1.0) * self.value

    job = tiny_job()
    phase: Any = job.method.phases[0]
    phase.g_ab, phase.g_ba = Constant(0.25), Constant(-0.5)
    batch = batch_of(job)
    real = {"a": torch.zeros(1, 3, 16, 16), "b": torch.full((1, 3, 16, 16), 0.125)}
    result = phase(Batch(real, 0, batch.active - {"adversarial"}))
    assert float(result.fake["b"].mean()) == 0.25
    assert float(result.fake["a"].mean()) == -0.5
    terms = {loss: {k: v.item() for k, v in t.items()} for loss, t in result.terms.items()}
    assert terms == {
        "cycle": {"a": 0.5, "b": 0.125},  # back to a by G_ba, -0.5; back to b by G_ab, 0.25
        "identity": {"a": 0.5, "b": 0.125},
    }


def test_the_discriminators_get_translations_without_a_graph() -> None:
    job = tiny_job()
    result = job.method.phases[0](batch_of(job))
    assert not any(images.requires_grad for images in result.fake.values())


def test_each_domains_pool_gets_that_domains_translations() -> None:
    job = tiny_job()
    fake = {"a": torch.zeros(1, 3, 8, 8), "b": torch.ones(1, 3, 8, 8)}
    batch = batch_of(job)
    job.method.phases[1].prepare(Batch(batch.real, 0, batch.active, fake=fake))
    state = job.method.state()
    assert torch.equal(state["image_pool_a"][0], fake["a"][0])
    assert torch.equal(state["image_pool_b"][0], fake["b"][0])


# With pairs

PAIRED: dict[str, Any] = {
    "data": {"pairs": True},
    "losses": {
        "adversarial": {"objective": "wgan"},
        "gradient_penalty": {},
        "l1": {},
        "structure": {"type": "ssim", "compare": "truth"},
        "cycle": None,
        "identity": None,
    },
}


def test_the_truth_of_a_translation_is_its_partner_in_the_data() -> None:
    job = tiny_job(**PAIRED)
    batch = batch_of(job)
    result = job.method.phases[0](batch)
    for domain in DOMAINS:
        expected = (result.fake[domain] - batch.real[domain]).abs().mean()
        assert result.terms["l1"][domain].item() == pytest.approx(expected.item(), rel=1e-6)


def test_pairs_are_trained_with_and_every_term_is_seen_and_finite() -> None:
    job = tiny_job(**PAIRED)
    step = TrainingStep(job)
    before = {name: weights_of(network) for name, network in job.method.networks.items()}
    for number, loaded in enumerate(steps_of(job, 2)):
        terms = step(number, loaded)
        assert set(terms) == {
            "generators/adversarial/a->b",
            "generators/adversarial/b->a",
            *(f"generators/{loss}/{end}" for loss in ("l1", "structure") for end in "ab"),
            *(
                f"discriminators/{loss}/{end}"
                for loss in ("adversarial", "gradient_penalty")
                for end in "ab"
            ),
        }
        assert all(torch.isfinite(term) for term in terms.values())
    for name, network in job.method.networks.items():
        assert not torch.equal(weights_of(network), before[name]), name


def test_a_penalty_draws_the_same_in_the_same_run() -> None:
    def second_step() -> dict[str, float]:
        job = tiny_job(**PAIRED)
        step = TrainingStep(job)
        terms = [step(number, loaded) for number, loaded in enumerate(steps_of(job, 2))]
        return {name: term.item() for name, term in terms[-1].items()}

    assert second_step() == second_step()


def weights_of(network: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])
