"""`gantrans init`: look at the user's folders and write a spec that trains on them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.say import say
from gantrans.errors import DataError, PluginError, UsageError
from gantrans.spec.starter import RECIPES, starter_spec

if TYPE_CHECKING:
    from gantrans.spec.find_facts import Search
    from gantrans.spec.image_facts import Facts


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
    method: Annotated[
        str,
        typer.Option(
            metavar="|".join(RECIPES),
            help="Whose paper's values the spec has; pix2pix needs pairs of images.",
        ),
    ] = "cyclegan",
) -> None:
    """Look at a folder of images and write a commented spec that trains on it as it stands."""
    from rich.console import Console

    from gantrans.spec.find_facts import Search

    _refuse_unknown(method)
    if not directory.is_dir():
        what = "is no folder" if directory.exists() else "does not exist"
        raise UsageError(f"{directory} {what}; give the folder that holds both domains' images")
    # A link to a data set keeps its name; only "..", which links make ambiguous, is resolved.
    directory = directory.resolve() if ".." in directory.parts else directory.absolute()
    spec = out if out is not None else Path(f"{directory.name or 'spec'}.toml")
    _refuse(spec)
    with Console(stderr=True).status("looking into the folders") as status:
        search = Search(directory, spec.resolve().parent, status.update)
        facts = _look(search, method)
        text = starter_spec(facts, method)
        if method == "pix2pix":
            _refuse_odd_pairs(text, spec.resolve().parent)
    _write(spec, text)

    a, b = facts.domains
    say(f"domains: {a.name} and {b.name}")
    say(f"images: {facts.counts()}")
    say(f"sizes: {facts.extent()}, {facts.colours()}")
    for file in search.unreadable:
        say(f"cannot be read: {file}; repair it or take it out before training", err=True)
    say(f"wrote {spec}; every choice is explained in it")
    say(f"next: gantrans run {shlex.quote(str(spec))}")


def _look(search: Search, method: str) -> Facts:
    """At the folders, in the way that the method reads them."""
    match method:
        case "pix2pix":
            return search.pairs()
        case "cut" | "fastcut":
            return search.domains_or_pictures()
        case _:
            return search.domains()


def _refuse_odd_pairs(text: str, base_dir: Path) -> None:
    """Look for the pairs as the run will. Raises DataError with all files that are none."""
    import tomllib
    from typing import get_args

    from gantrans.api.dataset import Dataset, Split
    from gantrans.plugin.manager import load_registry

    registry, table = load_registry(), tomllib.loads(text)["data"]
    wrong: list[str] = []
    for split in get_args(Split):
        try:
            config = registry.config("dataset", table["type"], table)
            dataset: Dataset = config.build(base_dir=base_dir)
            dataset.source(split, "a")
        except (DataError, PluginError) as error:  # a domain alone has test images, files differ
            wrong = list(dict.fromkeys([*wrong, str(error)]))
    if wrong:
        advice = "  Or train without pairs: --method cyclegan, cut or fastcut."
        raise DataError("\n".join([*wrong, advice]))


def _refuse_unknown(method: str) -> None:
    from gantrans.api.problem import nearest

    if method not in RECIPES:
        known = ", ".join(RECIPES)
        close = nearest(method, list(RECIPES))
        raise UsageError(f"--method {method} is unknown; there are {known}{close}")


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
