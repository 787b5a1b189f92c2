"""Specs under which a network never learns: refused where it can be known, else noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.errors import SpecError
from gantrans.report.report import report
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.contradictions import check
from gantrans.training.session import rehearse, run
from gantrans.training.step import TrainingStep
from one_domain import spec as one_domain_spec
from tiny_run import steps_of, tiny_job, tiny_spec

ALL = {"generator_ab", "generator_ba", "discriminator_a", "discriminator_b"}
GENERATORS = {"generator_ab", "generator_ba"}


def left(spec: dict[str, Any]) -> set[str]:
    """The networks that are refused because no loss reaches them."""
    try:
        check(load(spec))
    except SpecError as error:
        said = [problem for problem in error.problems if "would never learn" in problem]
        assert len(said) == len(error.problems)
        names = (problem.partition("losses: ")[2].partition(" would")[0] for problem in said)
        return {name for some in names for name in some.split(" and ")}
    return set()


def with_losses(losses: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**tiny_spec(**changes), "losses": losses}


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({"r1": {}}, GENERATORS),
        ({"cycle": {}}, ALL - GENERATORS),
        ({"cycle": {"weight": 0}, "adversarial": {"weight": 0.0}}, ALL),
        ({"cycle": {}, "adversarial": {"weight": 0}}, ALL - GENERATORS),
        ({"cycle": {"weight": 0}, "gradient_penalty": {}}, GENERATORS),
        ({"adversarial": {}}, set()),
        ({"cycle": {}, "r1": {}}, set()),
    ],
)
def test_each_network_is_reached_by_a_loss_that_counts(
    losses: dict[str, Any], expected: set[str]
) -> None:
    assert left(with_losses(losses)) == expected


@pytest.mark.parametrize(
    ("method", "losses", "expected"),
    [
        ("pix2pix", {"l1": {}}, {"discriminator_b"}),
        ("pix2pix", {"l1": {}, "adversarial": {}}, set()),
        ("cut", {"total_variation": {}}, {"discriminator_b"}),
        ("cut", {"gradient_penalty": {}}, {"generator_ab"}),
    ],
)
def test_methods_of_one_direction_alike(
    method: str, losses: dict[str, Any], expected: set[str]
) -> None:
    assert left(with_losses(losses, method={"type": method}, data={"pairs": True})) == expected


def test_networks_that_a_method_makes_itself_alike(tmp_path: Path) -> None:
    assert left(one_domain_spec(tmp_path, losses={"r1": {}})) == {"maker"}
    assert left(one_domain_spec(tmp_path, losses={"total_variation": {}})) == {"judge"}
    assert left(one_domain_spec(tmp_path)) == set()


def test_a_loss_that_starts_after_the_end_reaches_nothing() -> None:
    late = {"cycle": {}, "adversarial": {"start": 12}}  # 2 epochs of 6 steps
    loaded = load(with_losses(late))
    check(loaded)  # which does not count images
    with pytest.raises(SpecError, match="discriminator_a and discriminator_b would never learn"):
        assemble(loaded, torch.device("cpu"))
    late["adversarial"]["start"] = 11
    assemble(load(with_losses(late)), torch.device("cpu"))


DETACHED = '''
import gantrans


class Detached(gantrans.Loss):
    """The mean of the translations to b, without its gradient before the third call."""

    name = "detached"
    requires = {"fake"}
    calls, until = 0, 10**9

    def generator(self, step):
        type(self).calls += 1
        late = self.calls > self.until
        return {way: x.mean() if late else x.detach().mean() for way, x in step.fake.items()}
'''


def detached(folder: Path, until: int = 10**9, **changes: Any) -> dict[str, Any]:
    plugin = folder / "detached.py"
    plugin.write_text(DETACHED.replace("10**9", str(until)))
    return with_losses({"detached": {}, "r1": {}}, plugins=[str(plugin)], **changes)


def test_networks_without_a_gradient_are_noticed_at_the_first_step(tmp_path: Path) -> None:
    job = assemble(load(detached(tmp_path, until=2)), torch.device("cpu"))
    training, seen = TrainingStep(job), []
    for number, batches in enumerate(steps_of(job, 3)):
        training(number, batches)
        seen.append(dict(training.unreached))
    first, second, third = seen
    assert first == second == {name: ["detached"] for name in GENERATORS}
    assert third == {}


def test_a_network_waits_for_its_first_loss_without_a_word() -> None:
    job = tiny_job(losses={"adversarial": {"start": 1}, "identity": None})
    training = TrainingStep(job)
    for number, batches in enumerate(steps_of(job, 2)):
        training(number, batches)
        assert training.unreached == {}


def test_a_run_without_a_gradient_says_so_and_its_verdict_too(tmp_path: Path) -> None:
    train = {"epochs": 2, "log_every": 2}
    folder = run(detached(tmp_path, train=train), run_dir=tmp_path / "run").path
    log = (folder / "log.txt").read_text()
    lines = map(json.loads, (folder / "health.jsonl").read_text().splitlines())
    found = [line for line in lines if line["fault"] == "no_gradient"]
    assert [(one["step"], one["where"], one["state"]) for one in found] == [
        (2, name, "began") for name in sorted(GENERATORS)
    ]
    assert all(log.count(f"{name}: no gradient") == 1 for name in GENERATORS)
    [verdict] = report([folder]).verdicts
    assert verdict.tone == "bad" and "no gradient" in verdict.sentence


def test_a_gradient_that_comes_later_ends_the_fault(tmp_path: Path) -> None:
    train = {"epochs": 1, "log_every": 2}
    folder = run(detached(tmp_path, until=3, train=train), run_dir=tmp_path / "run").path
    lines = map(json.loads, (folder / "health.jsonl").read_text().splitlines())
    steps = {(line["where"], line["state"]): line["step"] for line in lines}
    assert steps == {(name, state): step for name in GENERATORS for state, step in ENDS.items()}


ENDS = {"began": 2, "ended": 4}


def test_a_rehearsal_tells_of_missing_gradients(tmp_path: Path) -> None:
    lines = rehearse(detached(tmp_path))
    warned = [line for line in lines if line.startswith("warning: no gradient reaches")]
    assert len(warned) == len(GENERATORS)
    assert not [line for line in rehearse(tiny_spec()) if line.startswith("warning")]
