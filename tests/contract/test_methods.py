from __future__ import annotations

from typing import Any

import pytest
import torch

from gantrans.api.step import ENDS
from gantrans.plugin.registry import Entry
from gantrans.training.assemble import Job
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

KIND = "method"


@pytest.fixture
def job(entry: Entry) -> Job:
    return tiny_job(method={"type": entry.ref.name})


def test_its_phases_train_every_network_once(job: Job) -> None:
    trained = [name for phase in job.method.phases for name in phase.trains]
    assert sorted(trained) == sorted(job.method.networks)
    for phase in job.method.phases:
        for name, network in phase.trains.items():
            assert job.method.networks[name] is network
    assert len({phase.name for phase in job.method.phases}) == len(job.method.phases)


def test_its_generators_are_networks_that_translate_a_direction(job: Job) -> None:
    networks = {id(network): name for name, network in job.method.networks.items()}
    assert set(job.method.generators) <= set(ENDS)
    for direction, generator in job.method.generators.items():
        ends = job.ends[networks[id(generator)]]
        assert (ends.source, ends.target) == ENDS[direction]


def test_a_step_moves_every_network_and_gives_finite_terms(job: Job) -> None:
    before = {n: [w.clone() for w in net.parameters()] for n, net in job.method.networks.items()}
    [batches] = steps_of(job, 1)
    terms = TrainingStep(job)(0, batches)
    assert terms
    assert all(torch.isfinite(term) and term.shape == () for term in terms.values())
    for name, network in job.method.networks.items():
        pairs = zip(before[name], network.parameters(), strict=True)
        assert any(not torch.equal(old, new) for old, new in pairs), name


def test_it_gives_what_it_says_it_provides(entry: Entry, job: Job, tmp_path: Any) -> None:
    provides = sorted(type(job.method).provides)
    plugin = tmp_path / "reader.py"
    reads = " + ".join(f"sum(x.mean() for x in step.{name}.values())" for name in provides)
    plugin.write_text(
        "import gantrans\n"
        "class Reader(gantrans.Loss):\n"
        '    """Reads everything."""\n'
        '    name = "reader"\n'
        f"    requires = {set(provides)!r}\n"
        "    def generator(self, step):\n"
        f"        return {reads}\n"
    )
    reading = tiny_job(
        method={"type": entry.ref.name}, plugins=[str(plugin)], losses={"reader": {}}
    )
    [batches] = steps_of(reading, 1)
    assert "generators/reader" in TrainingStep(reading)(0, batches)


def test_its_state_can_be_taken_back(entry: Entry, job: Job) -> None:
    step = TrainingStep(job)
    for number, batches in enumerate(steps_of(job, 2)):
        step(number, batches)
    other = tiny_job(method={"type": entry.ref.name})
    other.method.load_state(job.method.state())
    assert other.method.state().keys() == job.method.state().keys()
    for name, value in job.method.state().items():
        assert torch.equal(other.method.state()[name], value), name
