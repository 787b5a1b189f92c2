"""The reference of the spec as Markdown, made from the code by `make docs`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from gantrans.api.component import KINDS
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry
from gantrans.spec.describe import Key, keys
from gantrans.spec.model import RunSpec

_HEAD = """\
# The spec

Made from the code by `make docs`. A spec is one TOML file. Relative paths in it are relative to its
folder; `--set KEY=VALUE` overrides one key; `gantrans validate SPEC` says whether it is right, and
`gantrans schema` writes a JSON Schema for editors, with the plugins that you have installed.

A key of type "a normalizer" (a generator, a loss, ...) takes a component: its name, as in
`norm = "instance"`, or a table with its `type` and its own keys, as in
`norm = { type = "instance", affine = true }`. In `[losses.NAME]`, `[metrics.NAME]` and
`[trackers.NAME]` the `type` is NAME unless the table says otherwise.
"""


def reference(registry: Registry) -> str:
    """All keys of the spec, and all components of `registry` with theirs."""
    parts = [_HEAD, "## Keys of the spec\n", _table(keys(RunSpec))]
    for kind in KINDS:
        parts.append(f"## {kind.capitalize()}{'es' if kind.endswith('s') else 's'}\n")
        for name in registry.names(kind):
            component = registry.component(kind, name)
            parts += [
                f"### The {kind} `{name}`\n",
                f"{inspect.cleandoc(component.__doc__ or '')}\n",
                _table(keys(component.Config)),
            ]
    return "\n".join(parts)


def _table(rows: Iterable[Key]) -> str:
    lines = [_row(f"`{k.key}`", f"`{k.type}`", _code(k.default), k.meaning) for k in rows]
    if not lines:
        return "It has no keys.\n"
    return "\n".join([_row("Key", "Type", "Default", "Meaning"), "|---|---|---|---|", *lines, ""])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(default: str) -> str:
    return default if default in ("required", "absent") else f"`{default}`"


if __name__ == "__main__":
    print(reference(load_registry(environ={"GANTRANS_PLUGINS": "none"})), end="")
