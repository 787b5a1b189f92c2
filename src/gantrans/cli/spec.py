"""`gantrans validate` and `gantrans schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.options import PluginFiles, Settings
from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.spec.load import LoadedSpec


def validate(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="A TOML file.")],
    set_: Settings = None,
    plugin: PluginFiles = None,
) -> None:
    """Say whether a spec is right, and if not, everything that is wrong with it."""
    from gantrans.spec.load import load
    from gantrans.training.contradictions import check
    from gantrans.training.spec_warnings import spec_warnings

    loaded = load(spec, settings=set_ or (), plugins=plugin or ())
    check(loaded)
    say(f"{spec}: valid")
    say(_in_one_line(loaded))
    for line in spec_warnings(loaded):
        say(line, err=True)


def schema(
    out: Annotated[Path | None, typer.Option(help="Write here, not to the screen.")] = None,
) -> None:
    """Write a JSON Schema of specs, with everything installed, for editors."""
    from gantrans.errors import GantransError, UsageError
    from gantrans.inference.files.whole import appearing, is_taken, refuse_unwritable
    from gantrans.plugin.manager import load_registry
    from gantrans.spec.schema import TITLE
    from gantrans.spec.schema import schema as make_schema

    text = json.dumps(make_schema(load_registry()), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    refuse_unwritable(out, overwrite=True)
    there = is_taken(out)
    if there and not (out.exists() and TITLE in out.read_bytes().decode(errors="replace")):
        raise UsageError(f"{out} exists and is no schema of gantrans: choose another name")
    try:
        with appearing(out, overwrite=there) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GantransError(f"cannot write {out}: {error.strerror or error}") from None


def _in_one_line(loaded: LoadedSpec) -> str:
    from gantrans.training.build import outline
    from gantrans.training.summary import ways

    run = loaded.run
    method, ends = outline(loaded)
    kinds = {end.kind for end in ends.values()}
    parts = [*(k for k in ("generator", "discriminator") if k in kinds), "data"]
    named = ", ".join(f"{part} {getattr(run, part).component.name}" for part in parts)
    losses = ", ".join(f"{key} x {config.weight:g}" for key, config in run.losses.items())
    return f"{ways(run, method)}: {method.name}, {named}; losses {losses}"
