"""What the weights files of a run say of themselves."""

from __future__ import annotations

from gantrans.api.component import ComponentConfig
from gantrans.api.step import DOMAINS
from gantrans.inference.weights import RecordedComponent, WeightsHeader
from gantrans.training.assemble import Job
from gantrans.training.rundir import origin_of


def headers(job: Job, step: int) -> dict[str, WeightsHeader]:
    """A header for every network, by its name in the method, as of `step` finished steps."""
    return {name: _header(job, step, name) for name in job.method.networks}


def _header(job: Job, step: int, name: str) -> WeightsHeader:
    spec, dataset = job.spec, job.dataset
    ends = job.ends[name]
    network = _recorded(job, ends.component(spec))
    own_files = any(dataset.files(domain) for domain in DOMAINS)
    return WeightsHeader(
        kind=network.kind,
        component=network.component,
        plugin=network.plugin,
        role=name,
        domains={"a": spec.domains.a, "b": spec.domains.b},
        source=ends.source,
        target=ends.target,
        in_channels=ends.in_channels,
        out_channels=ends.out_channels,
        value_range=(-1.0, 1.0),
        preprocessing=spec.data.transform.model_dump(mode="json"),
        step=step,
        run=spec.name,
        dataset=_recorded(job, spec.data) if own_files else None,
    )


def _recorded(job: Job, config: ComponentConfig) -> RecordedComponent:
    component = config.component
    origin = job.loaded.registry.entry(component.kind, component.name).origin
    return RecordedComponent(component.kind, config.model_dump(mode="json"), origin_of(origin))
