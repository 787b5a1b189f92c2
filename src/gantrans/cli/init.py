"""`gantrans init`: look at the user's folders and write a spec that trains on them."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.errors import DataError, UsageError

if TYPE_CHECKING:
    from gantrans.api.folders import Contents, DomainFolders
    from gantrans.spec.image_facts import DomainFacts, Facts

_LOOKED_AT = 500  # images of each folder whose headers are read
_GRAY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
_FROM_TO = re.compile(r"([^\W\d_]+)2([^\W\d_]+)")  # horse2zebra, summer2winter_yosemite


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that holds both domains' images.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="SPEC",
            help="The spec to write; without it, the folder's name with .toml, right here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Look at a folder of images and write a commented spec that trains on it as it stands."""
    from rich.console import Console

    from gantrans.spec.starter import starter_spec

    if not directory.is_dir():
        what = "is no folder" if directory.exists() else "does not exist"
        raise UsageError(f"{directory} {what}; give the folder that holds both domains' images")
    # A link to a data set keeps its name; only "..", which links make ambiguous, is resolved.
    directory = directory.resolve() if ".." in directory.parts else directory.absolute()
    spec = out if out is not None else Path(f"{directory.name or 'spec'}.toml")
    _refuse(spec)
    unreadable: list[Path] = []
    with Console(stderr=True).status("looking into the folders") as status:
        facts = _look(directory, spec.resolve().parent, unreadable, status.update)
    text = starter_spec(facts)
    _write(spec, text)

    a, b = facts.domains
    typer.echo(f"domains: {a.name} and {b.name}")
    typer.echo(f"images: {facts.counts()}")
    typer.echo(f"sizes: {facts.extent()}, {facts.colours()}")
    for file in unreadable:
        typer.echo(f"cannot be read: {file}; repair it or take it out before training", err=True)
    typer.echo(f"wrote {spec}; every choice is explained in it")
    typer.echo(f"next: gantrans run {shlex.quote(str(spec))}")


def _refuse(spec: Path) -> None:
    if spec.exists():
        raise UsageError(f"{spec} exists already and is not overwritten: name another with --out")
    if not spec.absolute().parent.is_dir():
        raise UsageError(f"cannot write {spec}: there is no folder {spec.parent}")


def _write(spec: Path, text: str) -> None:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise UsageError("a folder's name is no valid UTF-8, so no spec can hold it") from None
    try:
        with spec.open("xb") as file:  # x: never over a file that came into being meanwhile
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write {spec}: {error.strerror}") from None


def _look(directory: Path, base: Path, unreadable: list[Path], say: Callable[[str], None]) -> Facts:
    """Everything the spec depends on; image files that cannot be read go into `unreadable`."""
    from gantrans.api.folders import any_domains, describe, standard_domains
    from gantrans.spec.image_facts import Facts
    from gantrans.spec.starter import domain_names

    standard = standard_domains(directory)
    found = standard or any_domains(directory)
    if found is None:
        raise DataError(
            f"cannot tell the two domains apart in {directory}.\n"
            "  expected: trainA trainB (testA testB), or train/A train/B (test/A test/B), with any "
            "two names for A and B, or just two folders of images\n"
            f"  found: {describe(directory)}\n"
            "  Give the folder that holds both, or write a spec that names them (train_a, train_b)."
        )
    folders = [("root", _relative(directory, base))]
    if standard:
        two = _FROM_TO.match(directory.name)
        names = domain_names(two[1], two[2]) if two else ("A", "B")
    else:
        names = domain_names(found[0].name, found[1].name)
        folders += [
            (f"{split}_{key}", folder.relative_to(directory).as_posix())
            for split in ("train", "test")
            for key, domain in zip("ab", found, strict=True)
            if (folder := getattr(domain, split)) is not None
        ]
    if names == ("A", "B"):
        naming = "give them better names: you will meet them everywhere"
    else:
        naming = "named after the folders; you will meet these names everywhere"
    a, b = (
        _facts(name, domain, unreadable, say) for name, domain in zip(names, found, strict=True)
    )
    return Facts(directory.name, (a, b), naming, folders)


def _facts(
    name: str, folders: DomainFolders, unreadable: list[Path], say: Callable[[str], None]
) -> DomainFacts:
    """Counts, and the sizes and colours of an even sample of the images."""
    from PIL import Image

    from gantrans.api.folders import Contents, contents
    from gantrans.spec.image_facts import DomainFacts

    train = contents(folders.train)
    test = contents(folders.test) if folders.test else Contents((), {})
    if not train.images:
        raise DataError(f"no images to train on in {folders.train}: found {train}")
    files = _some(folders.train, train) + (_some(folders.test, test) if folders.test else [])
    sizes, modes = [], set()
    for number, file in enumerate(files, start=1):
        say(f"{name}: reading the size of image {number} of {len(files)}")
        try:
            with Image.open(file) as image:  # reads the header only
                sizes.append(image.size)
                modes.add(image.mode)
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
            unreadable.append(file)
    if not sizes:
        raise DataError(f"none of the images in {folders.train} can be read, as {unreadable[-1]}")
    return DomainFacts(name, len(train.images), len(test.images), sizes, modes <= _GRAY)


def _some(folder: Path, found: Contents) -> list[Path]:
    """All images, or so many evenly spread ones."""
    step = max(1, math.ceil(len(found.images) / _LOOKED_AT))
    return [folder / image for image in found.images[::step]]


def _relative(folder: Path, base: Path) -> str:
    """With forward slashes; absolute where there is no way from one to the other (two drives)."""
    try:
        return Path(os.path.relpath(folder, base)).as_posix()
    except ValueError:
        return folder.as_posix()
