"""What the weights files of a run say of themselves."""

from __future__ import annotations

from gantrans.inference.weights import WeightsHeader
from gantrans.training.assemble import Job
from gantrans.training.rundir import origin_of


def headers(job: Job, step: int) -> dict[str, WeightsHeader]:
    """A header for every network, by its name in the method, as of `step` finished steps."""
    return {name: _header(job, step, name) for name in job.method.networks}


def _header(job: Job, step: int, name: str) -> WeightsHeader:
    spec, dataset = job.spec, job.dataset
    ends = job.ends[name]
    config = spec.discriminator if ends.source is None else spec.generator
    entry = job.loaded.registry.entry(config.component.kind, config.component.name)
    return WeightsHeader(
        kind=config.component.kind,
        component=config.model_dump(mode="json"),
        plugin=origin_of(entry.origin),
        role=name,
        domains={"a": spec.domains.a, "b": spec.domains.b},
        source=ends.source,
        target=ends.target,
        in_channels=dataset.channels(ends.source or ends.target),
        out_channels=None if ends.source is None else dataset.channels(ends.target),
        value_range=(-1.0, 1.0),
        preprocessing=spec.data.transform.model_dump(mode="json"),
        step=step,
        run=spec.name,
    )
