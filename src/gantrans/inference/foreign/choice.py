"""Which of the files that a user gives is which network, and which are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from gantrans.api.problem import nearest
from gantrans.errors import UsageError
from gantrans.inference.foreign.names import (
    REPOSITORIES,
    Direction,
    Named,
    Project,
    Role,
    named,
)


@dataclass
class Choice:
    """A file for each network.

    Args:
        files: by the network's role, with what is known of the file.
        notes: what was left out and why, and what else is worth a word; a sentence each.
    """

    files: dict[Role, tuple[Path, Named]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose(
    files: Sequence[Path],
    *,
    project: Project | None = None,
    roles: Sequence[str] = (),
    direction: Direction = "ab",
) -> Choice:
    """See `import_weights` for the arguments.

    Raises:
        UsageError: if a file's name says nothing and nothing else does, if it contradicts what was
            said, or if two files are one network.
    """
    choice = Choice()
    for path, found in _identified(files, project, roles, direction):
        if found.role is None:
            choice.notes.append(
                f"left out {path}: it compares patches in the training of CUT, and translates "
                "nothing"
            )
        elif found.project == "uvcgan2" and found.role.startswith("discriminator"):
            choice.notes.append(
                f"left out {path}: it judges images in [0, 1] with zeros around them, which no "
                "discriminator of images in [-1, 1] can do equally"
            )
        else:
            _take(choice, path, found)
    for path, _ in choice.files.values():
        mean = path.with_name(path.name.replace("net_gen_", "net_avg_gen_"))
        if mean != path and mean.exists() and mean not in files:
            choice.notes.append(
                f"{mean} lies beside {path}: averaged weights mostly translate better"
            )
    if not choice.files:
        raise UsageError(
            "none of the files can be brought in:\n" + "\n".join(f"  {n}" for n in choice.notes)
        )
    return choice


def _take(choice: Choice, path: Path, found: Named) -> None:
    assert found.role
    if found.role not in choice.files:
        choice.files[found.role] = (path, found)
        return
    other, known = choice.files[found.role]
    if found.averaged == known.averaged:
        raise UsageError(f"{other} and {path} are both the {found.role}: give one of them")
    plain, mean = (other, path) if found.averaged else (path, other)
    choice.files[found.role] = (mean, replace(found, averaged=True))
    choice.notes.append(f"left out {plain}: {mean} has the running mean of its weights")


def _identified(
    files: Sequence[Path],
    project: Project | None,
    roles: Sequence[str],
    direction: Direction,
) -> Iterator[tuple[Path, Named]]:
    if roles and len(roles) != len(files):
        raise UsageError(
            f"{len(files)} files and {len(roles)} roles (--as): give a role for each, in the order "
            "of the files"
        )
    if roles and project is None:
        raise UsageError(
            "roles (--as) alone do not say which values the networks take: give their project too, "
            f"--from {' or '.join(get_args(Project))}"
        )
    if roles and project:
        for path, role in zip(files, roles, strict=True):
            yield path, Named(project, _known(role))
        return
    for path in files:
        found = named(path, direction)
        if found is None:
            raise UsageError(
                f"the name of {path} does not say which network it is: say it with --as (one of "
                f"{', '.join(get_args(Role))}) and --from (one of {', '.join(get_args(Project))})"
            )
        if project and project != found.project:
            if {project, found.project} != {"junyanz", "cut"}:  # which name files alike
                raise UsageError(
                    f"{path} is called as {REPOSITORIES[found.project]} calls its files, not as "
                    f"{REPOSITORIES[project]} does: say with --as which network it is"
                )
            found = replace(found, project=project)
        yield path, found


def _known(role: str) -> Role:
    known: tuple[Role, ...] = get_args(Role)
    for one in known:
        if one == role:
            return one
    raise UsageError(
        f"there is no role {role!r}{nearest(role, known)} (there are: {', '.join(known)})"
    )
