"""The reference of the spec as Markdown, made from the code by `make docs`."""

from __future__ import annotations

from collections.abc import Iterable

from gantrans.api.component import KINDS, Component, plural
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry
from gantrans.spec.describe import Key, describe, keys
from gantrans.spec.model import RunSpec

_HEAD = """\
# The spec

Made from the code by `make docs`. A spec is one TOML file. Relative paths in it are relative to its
folder; `--set KEY=VALUE` overrides one key; `gantrans validate SPEC` says whether it is right, and
`gantrans schema` writes a JSON Schema for editors, with the plugins that you have installed.

A key of type "a normalizer" (a generator, a loss, ...) takes a component: its name, as in
`norm = "instance"`, or a table with its `type` and its own keys, as in
`norm = { type = "instance", affine = true }`. A table without a `type` is of the type of the key's
default: `[generator]` is a resnet unless it says otherwise. In `[losses.NAME]`, `[metrics.NAME]`
and `[trackers.NAME]` it is of the type NAME. Some components have presets: `preset = "NAME"` in
such a table stands for the settings of that name; keys written beside it win.
"""


def reference(registry: Registry) -> str:
    """All keys of the spec, and all components of `registry` with theirs."""
    parts = [_HEAD, "## Keys of the spec\n", table(keys(RunSpec))]
    for kind in KINDS:
        parts.append(f"## {plural(kind).capitalize()}\n")
        for name in registry.names(kind):
            parts.append(f"### The {kind} `{name}`\n")
            parts.append(_component(registry.component(kind, name)))
    return "\n".join(parts)


def _component(component: type[Component]) -> str:
    one = describe(component)
    presets = ", ".join(
        f"`{name}` ({settings or 'the defaults'})" for name, settings in one.presets.items()
    )
    parts = [f"{one.documentation}\n", *([f"Presets: {presets}.\n"] if presets else [])]
    return "\n".join([*parts, table(one.keys) or "It has no keys.\n"])


def table(rows: Iterable[Key]) -> str:
    """The keys as a table in Markdown; nothing for none."""
    lines = [_row(f"`{k.key}`", f"`{k.type}`", _code(k.default), k.meaning) for k in rows]
    if not lines:
        return ""
    return "\n".join([_row("Key", "Type", "Default", "Meaning"), "|---|---|---|---|", *lines, ""])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(default: str) -> str:
    return default if default in ("required", "absent") else f"`{default}`"


if __name__ == "__main__":
    print(reference(load_registry(environ={"GANTRANS_PLUGINS": "none"})), end="")
