"""Bringing networks of other projects in: `.pth` files become weights files of gantrans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from gantrans.errors import CheckpointError, UsageError
from gantrans.inference.foreign.choice import choose
from gantrans.inference.foreign.fit import recognise, renamed
from gantrans.inference.foreign.headers import Network, header_of
from gantrans.inference.foreign.names import Direction, Project, Role
from gantrans.inference.foreign.read import read_tensors, refuse_no_file
from gantrans.inference.foreign.together import written_together
from gantrans.inference.foreign.unit_range import to_signed_range
from gantrans.inference.model_files import STATE_FILE
from gantrans.inference.weights import WeightsHeader, save_weights
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry
from gantrans.spec.model import Domains


@dataclass(frozen=True)
class Imported:
    """One network that was brought in.

    Args:
        source: their file.
        target: the weights file of gantrans.
        header: what that says.
        architecture: what was recognised, in words.
        parameters: how many weights it has.
    """

    source: Path
    target: Path
    header: WeightsHeader
    architecture: str
    parameters: int


def import_weights(
    files: Sequence[Path],
    out: Path,
    *,
    a: str = "a",
    b: str = "b",
    project: Project | None = None,
    roles: Sequence[str] = (),
    direction: Direction = "ab",
    overwrite: bool = False,
) -> tuple[list[Imported], list[str]]:
    """Read networks of other projects and write them as weights files of gantrans.

    Nothing in the files is executed. Either all of them are written, or none.

    Args:
        files: generators and discriminators that belong together.
        out: the folder to write `generator_ab.safetensors` and so on to; a model for
            `gantrans.load`.
        a: what to call the domain that their G_A, G or A2B reads.
        b: what to call the other.
        project: whose files they are; absent: their names say it.
        roles: which network each file is, in their order; absent: their names say it.
        direction: of a model with one generator (`net_G`).
        overwrite: whether files that are in the way are replaced; not, if networks of another model
            would stay beside them.

    Returns:
        The networks, and sentences about what was left out and what else is worth a word.

    Raises:
        UsageError: if it is not clear which file is what, or something is in the way.
        CheckpointError: if a file cannot be read, or holds no network that is known here.
    """
    try:
        domains = Domains(a=a, b=b).model_dump()
    except ValidationError as error:
        wrong = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"domains {a!r} and {b!r}: {wrong}") from None
    _refuse_run(out)
    for path in files:
        refuse_no_file(path)
    choice = choose(files, project=project, roles=roles, direction=direction)
    registry, notes = load_registry(), choice.notes
    networks = {
        role: _read(path, found.project, role, registry, notes)
        for role, (path, found) in choice.files.items()
    }
    targets = {role: f"{role}.safetensors" for role in networks}
    if overwrite:
        _refuse_mixing(out, list(targets.values()))
    imported = []
    with written_together(out, list(targets.values()), overwrite=overwrite) as stage:
        for role, network in networks.items():
            header = header_of(role, networks, domains, out.resolve().name, registry)
            save_weights(stage / targets[role], network.tensors, header)
            imported.append(
                Imported(
                    network.path,
                    out / targets[role],
                    header,
                    str(network.architecture),
                    _parameters(network.tensors),
                )
            )
    return imported, notes


def _refuse_run(out: Path) -> None:
    """Keep a run's own weights; and in a folder that looks like a run, these would not be found."""
    for name in (STATE_FILE, "checkpoints"):
        try:
            there = (out / name).exists()
        except OSError as error:  # a name that is too long
            raise UsageError(f"cannot write to the folder {out}: {error.strerror}") from None
        if there:
            raise UsageError(f"{out} has {name}, as runs of gantrans have: choose another folder")


def _refuse_mixing(out: Path, names: Sequence[str]) -> None:
    """Keep what replaces one model from standing beside networks that are left of it."""
    left = sorted(
        path.name
        for kind in ("generator", "discriminator")
        for path in out.glob(f"{kind}_*.safetensors")
        if path.name not in names
    )
    if left:
        raise UsageError(
            f"{out} has {', '.join(left)} too, which would stay beside the new files as if they "
            "were of one model: give an empty folder, or the files of those networks as well"
        )


def _read(
    path: Path, project: Project, role: Role, registry: Registry, notes: list[str]
) -> Network:
    found = read_tensors(path)
    family, architecture = recognise(path, found)
    if not role.startswith(family.kind):
        raise CheckpointError(
            f"{path} is taken for the {role}, and its tensors are those of a {family.kind} "
            f"({family.component}): say with --as which network it is"
        )
    tensors, dropped = renamed(path, found, family, architecture, registry)
    if dropped:
        notes.append(f"left out of {path}: running statistics of instance norms, which use none")
    if project == "aitorzip" and architecture.table["type"] == "patchgan":
        architecture = replace(architecture, table={**architecture.table, "pool": "mean"})
    if project == "uvcgan2":
        if architecture.table["type"] != "resnet" or architecture.in_channels != 3:
            raise CheckpointError(
                f"{path} is a {architecture} of {architecture.in_channels} channels for values in "
                "[0, 1]: of uvcgan2's networks only residual ones of 3 channels have an equal here"
            )
        tensors = to_signed_range(tensors)
    return Network(path, project, architecture, tensors)


def _parameters(tensors: Mapping[str, Tensor]) -> int:
    """Weights, without what norms have counted."""
    return sum(t.numel() for n, t in tensors.items() if n.endswith((".weight", ".bias")))
