"""`gantrans new-plugin`: write a plugin that works, as a package or as one file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.scaffold.naming import Naming


def new_plugin(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="generator, discriminator, normalizer, loss, dataset, method, metric or tracker.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What a spec will call it, such as keep_mean.", show_default=False
        ),
    ],
    directory: Annotated[
        Path,
        typer.Option("--dir", metavar="DIR", help="Where to write; made if need be."),
    ] = Path(),
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write DIR/NAME.py alone, not a package.")
    ] = False,
) -> None:
    """Write a new plugin: a package with its tests, or one file. It works as it is written."""
    from gantrans.plugin.manager import load_registry
    from gantrans.scaffold import write
    from gantrans.scaffold.naming import naming, refuse_claimed, refuse_hiding_a_module

    new = naming(kind, name)
    refuse_claimed(new, load_registry())
    if new.name != name:
        say(f"called {new.name}, since Python's names have no hyphens")
    if single_file:
        refuse_hiding_a_module(new)
        target = directory / f"{new.name}.py"
        write.write_file(target, write.component(new))
        say(f"wrote {target}")
    else:
        target = directory / new.distribution
        texts = write.package(new)
        write.write_folder(target, texts)
        say(f"wrote {target}:")
        for path in texts:
            say(f"  {path}")
    for line in _next(new, target, write.spec_piece(new), single_file=single_file):
        say(line)


def _next(new: Naming, target: Path, piece: str, *, single_file: bool) -> Iterator[str]:
    """What to do with it: commands and TOML, each to be copied as it stands."""
    path = shlex.quote(str(target))
    yield "\nnext:"
    if single_file:
        yield f"  gantrans list-components {new.name} --plugin {path}"
        yield f"  gantrans check-plugin {path}"
    else:
        yield f"  python -m pip install -e {path}"
        yield f"  gantrans list-components {new.name}"
        yield f"  gantrans check-plugin {new.distribution}"
    yield "\nin a spec:"
    if single_file:
        yield f"  plugins = [{json.dumps(target.as_posix(), ensure_ascii=False)}]"
        yield ""
    for line in piece.splitlines():
        yield f"  {line}".rstrip()
