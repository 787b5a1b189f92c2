"""What the weights files of networks that were brought in say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gantrans.api.transform import Transform
from gantrans.errors import CheckpointError, UsageError
from gantrans.inference.foreign.family import Architecture
from gantrans.inference.foreign.names import Project, Role
from gantrans.inference.weights import WeightsHeader
from gantrans.plugin.registry import Registry

# What the projects do unless they are told otherwise; their files do not say.
_SQUARE = {"resize": 286, "resize_mode": "exact", "crop": 256}
_SHORTER = {"resize": 286, "crop": 256}
PREPROCESSING: dict[Project, dict[str, Any]] = {
    "junyanz": _SQUARE,
    "cut": _SQUARE,
    "aitorzip": _SHORTER,
    "uvcgan2": _SHORTER,
}


@dataclass(frozen=True)
class Network:
    """A network of another project.

    Args:
        path: its file.
        project: whose file that is.
        architecture: what was recognised.
        tensors: under the names of gantrans.
    """

    path: Path
    project: Project
    architecture: Architecture
    tensors: dict[str, Tensor]


def header_of(
    role: Role,
    networks: Mapping[Role, Network],
    domains: dict[str, str],
    run: str,
    registry: Registry,
) -> WeightsHeader:
    """The header of one of the networks that belong together.

    Raises:
        UsageError: if it is not clear which images a discriminator sees.
        CheckpointError: if a discriminator does not belong to the generator that it judges.
    """
    network = networks[role]
    architecture = network.architecture
    kind, name = architecture.kind, architecture.table["type"]
    config = registry.config(kind, name, architecture.table)
    origin = registry.entry(kind, name).origin
    transform = Transform.model_validate(PREPROCESSING[network.project])
    source, target = _ends(role, networks)
    return WeightsHeader(
        kind=kind,
        component=config.model_dump(mode="json"),
        plugin={"name": origin.name, "version": origin.version},
        role=role,
        domains=domains,
        source=source,
        target=target,
        in_channels=architecture.in_channels,
        out_channels=architecture.out_channels,
        value_range=(-1.0, 1.0),
        preprocessing=transform.model_dump(mode="json"),
        step=0,
        run=run,
    )


def _ends(role: Role, networks: Mapping[Role, Network]) -> tuple[str | None, str]:
    """The domains that a network reads and writes, or sees beside and judges."""
    end = role.rpartition("_")[2]
    if role.startswith("generator"):
        return end[0], end[1]
    network, source = networks[role], "b" if end == "a" else "a"
    judged = network.architecture.in_channels
    generator = networks.get("generator_ab" if end == "b" else "generator_ba")
    if generator is None:
        if judged in (1, 3):
            return None, end
        raise UsageError(
            f"{network.path} judges images of {judged} channels: give the file of its generator "
            "too, which says whether it sees the input beside"
        )
    reads, writes = generator.architecture.in_channels, generator.architecture.out_channels
    if judged == writes:
        return None, end
    if judged == reads + (writes or 0):
        return source, end
    raise CheckpointError(
        f"{network.path} judges images of {judged} channels, and {generator.path} reads {reads} "
        f"and writes {writes}: they do not belong together"
    )
