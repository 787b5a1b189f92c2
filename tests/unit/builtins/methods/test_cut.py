"""Against the formulas of the paper, with the method's own networks and the loss's own heads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.method import Batch
from gantrans.training.assemble import Job
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

LAYERS = ("down2", "block1")
NCE = {"layers": list(LAYERS), "patches": 64, "width": 8}
"""At 32 px these layers have 8 x 8 pixels: all of them are drawn, so their order is no matter."""
LOSSES: dict[str, Any] = {"patch_nce": NCE, "cycle": None, "identity": None}


def job_of(
    *, direction: str = "ab", identity: bool = True, losses: Any = None, **changes: Any
) -> Job:
    nce = {**NCE, "identity": identity}
    return tiny_job(
        method={"type": "cut", "direction": direction},
        losses={**LOSSES, "patch_nce": nce, **(losses or {})},
        **changes,
    )


def batch_of(job: Job, active: Iterable[str] | None = None) -> Batch:
    [[loaded]] = steps_of(job, 1)
    chosen = set(job.spec.losses if active is None else active)
    return Batch(loaded.real, 0, chosen, paired=job.samples.paired)


def passes(generator: Any) -> tuple[list[int], list[int]]:
    """Fill with the number of images that enter the encoder, and that come out as images."""
    begun: list[int] = []
    ended: list[int] = []
    generator.layers[1].register_forward_hook(lambda _, x, __: begun.append(len(x[0])))
    generator.layers[-1].register_forward_hook(lambda _, x, __: ended.append(len(x[0])))
    return begun, ended


def patch_nce(loss: Any, made: dict[str, Tensor], source: dict[str, Tensor]) -> float:
    """Equation 2 of one image, whose places are the rows of a matrix; the mean over layers."""
    terms = []
    for layer, head in zip(LAYERS, loss.heads, strict=True):
        v, key = (
            nn.functional.normalize(head(of[layer][0].flatten(1).T), dim=1).double()
            for of in (made, source)
        )
        likeness = torch.exp(v @ key.T / 0.07)
        terms.append(-torch.log(likeness.diagonal() / likeness.sum(dim=1)).mean())
    return float(sum(terms) / len(terms))


def numbers(terms: Any) -> dict[str, dict[str, float]]:
    return {loss: {k: v.item() for k, v in given.items()} for loss, given in terms.items()}


@pytest.mark.parametrize("direction", ["ab", "ba"])
def test_the_terms_of_a_step_are_those_of_the_paper(direction: Literal["ab", "ba"]) -> None:
    job = job_of(direction=direction)
    source, target = direction  # type: ignore[misc]
    assert list(job.method.networks) == [f"generator_{direction}", f"discriminator_{target}"]
    assert list(job.method.generators) == [direction]
    g: Any = job.method.networks[f"generator_{direction}"]
    d = job.method.networks[f"discriminator_{target}"]
    batch = batch_of(job)
    x, y = batch.real[source], batch.real[target]
    result = job.method.phases[0](batch)
    judged = job.method.phases[1](replace(batch, fake=result.fake))

    with torch.no_grad():
        fake, same = g(x), g(y)
        seen_x, seen_y, seen_fake, seen_same = (
            g.encoder_features(images, LAYERS) for images in (x, y, fake, same)
        )
        loss = job.method.parts.losses.by_name["patch_nce"]
        nce = {
            direction: patch_nce(loss, seen_fake, seen_x),
            target: patch_nce(loss, seen_same, seen_y),
        }
        persuaded = (d(fake) - 1).square().mean().item()
        told_apart = ((d(y) - 1).square().mean() + d(fake).square().mean()).item() / 2
    assert torch.allclose(result.fake[target], fake, atol=1e-6)
    assert numbers(result.terms) == {
        "adversarial": {direction: pytest.approx(persuaded, rel=1e-5)},
        "patch_nce": {key: pytest.approx(value, rel=1e-5) for key, value in nce.items()},
    }
    assert numbers(judged.terms) == {"adversarial": {target: pytest.approx(told_apart, rel=1e-5)}}


@pytest.mark.parametrize(
    ("active", "identity", "begun", "ended"),
    [
        # Translations are shown to the encoder; the inputs it saw on the way.
        ({"adversarial", "patch_nce"}, False, [1, 1], [1]),
        ({"adversarial", "patch_nce"}, True, [2, 2], [2]),
        ({"adversarial"}, True, [1], [1]),
        ({"adversarial", "same"}, True, [2], [2]),
        ({"patch_nce", "same"}, False, [2, 1], [2]),
        ({"patch_nce", "same"}, True, [2, 2], [2]),
    ],
)
def test_each_image_passes_once_and_only_if_an_active_loss_reads_it(
    active: set[str], identity: bool, begun: list[int], ended: list[int]
) -> None:
    job = job_of(identity=identity, losses={"same": {"type": "identity"}})
    seen = passes(job.method.networks["generator_ab"])
    job.method.phases[0](batch_of(job, active))
    assert seen == (begun, ended)


def test_the_target_domain_is_not_read_without_identity() -> None:
    job = job_of(identity=False)
    batch = batch_of(job)
    other = replace(batch, real={**batch.real, "b": torch.full_like(batch.real["b"], torch.nan)})
    assert numbers(job.method.phases[0](batch).terms).keys() == {"adversarial", "patch_nce"}
    for terms in numbers(job.method.phases[0](other).terms).values():
        assert all(value == value for value in terms.values())


def test_with_batch_norm_each_image_is_a_pass_of_its_own() -> None:
    job = job_of(generator={"norm": "batch"})
    seen = passes(job.method.networks["generator_ab"])
    job.method.phases[0](batch_of(job))
    assert seen == ([1, 1, 1, 1], [1, 1])


def test_the_encoder_runs_no_further_than_the_last_layer_that_is_read() -> None:
    job = job_of(losses={"patch_nce": {**NCE, "identity": False, "layers": ["stem", "down1"]}})
    g: Any = job.method.networks["generator_ab"]
    seen: list[int] = []
    g.layers[g.places["down2"]].register_forward_hook(lambda *_: seen.append(1))
    job.method.phases[0](batch_of(job))
    assert len(seen) == 1  # in the translation


def test_the_discriminator_gets_this_steps_translations_without_a_graph_or_a_pool() -> None:
    job = job_of()
    batch = batch_of(job)
    result = job.method.phases[0](batch)
    assert not result.fake["b"].requires_grad
    prepared = job.method.phases[1].prepare(replace(batch, fake=result.fake))
    assert prepared.fake["b"] is result.fake["b"]
    assert job.method.state() == {}


def test_a_step_trains_generator_discriminator_and_head() -> None:
    job = job_of(domains={"a": "summer", "b": "winter"})
    step = TrainingStep(job)
    trained = {**job.method.networks, **job.method.parts.losses.trainable()}
    assert list(trained) == ["generator_ab", "discriminator_b", "patch_nce"]
    before = {name: [w.clone() for w in part.parameters()] for name, part in trained.items()}
    [loaded] = steps_of(job, 1)
    assert set(step(0, loaded)) == {
        "generator/adversarial/summer->winter",
        "generator/patch_nce/summer->winter",
        "generator/patch_nce/winter",
        "discriminator/adversarial/winter",
    }
    for name, part in trained.items():
        moved = [
            not torch.equal(w, old) for w, old in zip(part.parameters(), before[name], strict=True)
        ]
        # A bias right before an instance norm has no effect, and so no gradient to speak of.
        assert sum(moved) > len(moved) / 2, name


def test_the_heads_move_by_one_step_of_adam_on_their_weighted_gradient() -> None:
    """Adam's first step is -lr g / (|g| + 1e-8): both of its means are unbiased then."""
    rate, weight = 1e-3, 2.5
    losses = {"patch_nce": {**NCE, "weight": weight}}
    trained, twin = (job_of(losses=losses, optimizer={"lr": rate}) for _ in range(2))
    mine, others = (j.method.parts.losses.by_name["patch_nce"] for j in (trained, twin))
    before = [w.detach().clone() for w in mine.parameters()]
    assert all(torch.equal(w, old) for w, old in zip(others.parameters(), before, strict=True))

    terms = twin.method.phases[0](batch_of(twin)).terms["patch_nce"]
    (weight * sum(terms.values())).backward()
    [loaded] = steps_of(trained, 1)
    TrainingStep(trained)(0, loaded)
    for after, old, like in zip(mine.parameters(), before, others.parameters(), strict=True):
        gradient = like.grad
        assert gradient is not None
        steep = gradient.abs() > 1e-5  # below, rounding decides the sign
        expected = old - rate * gradient / (gradient.abs() + 1e-8)
        assert steep.any()
        assert torch.allclose(after[steep], expected[steep], rtol=0, atol=rate * 1e-2)


def test_the_heads_start_from_the_specs_initialisation() -> None:
    wide, narrow = (
        job_of(init={"scheme": "normal", "gain": gain}).method.parts.losses.by_name["patch_nce"]
        for gain in (0.2, 0.02)
    )
    for large, small in zip(wide.parameters(), narrow.parameters(), strict=True):
        if large.dim() == 1:
            assert not large.any()
        else:
            assert torch.allclose(large, 10 * small)
            assert 0.01 < small.std() < 0.03


def test_paired_data_has_its_truth() -> None:
    job = job_of(data={"pairs": True}, losses={"l1": {}})
    batch = batch_of(job)
    result = job.method.phases[0](batch)
    expected = (result.fake["b"] - batch.real["b"]).abs().mean().item()
    assert numbers(result.terms)["l1"] == {"b": pytest.approx(expected, rel=1e-6)}


def test_bf16_keeps_terms_and_the_heads_in_float32() -> None:
    precise, rough = (job_of(train={"precision": precision}) for precision in ("fp32", "bf16"))
    [loaded] = steps_of(precise, 1)
    expected, terms = (TrainingStep(job)(0, loaded) for job in (precise, rough))
    for curve, term in terms.items():
        assert term.dtype == torch.float32, curve
        assert term.item() == pytest.approx(expected[curve].item(), rel=0.05), curve
    assert terms != expected  # so bfloat16 was indeed at work
    head = rough.method.parts.losses.by_name["patch_nce"]
    assert {weight.dtype for weight in head.parameters()} == {torch.float32}
