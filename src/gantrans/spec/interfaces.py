"""The interface of each kind as a page in Markdown, made from the sources of `gantrans.api`.

    python -m gantrans.spec.interfaces docs/reference/kinds

The sources are read, not imported: only they have the docstrings of attributes, and signatures as
they were written.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import gantrans.api
from gantrans.api.component import KINDS, ComponentConfig, Kind, plural
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry
from gantrans.spec.describe import keys
from gantrans.spec.reference import table

BESIDE: dict[Kind, tuple[str, ...]] = {
    "dataset": ("folder_dataset", "files"),
    "discriminator": ("network",),
    "loss": ("step", "comparison", "input_gradient"),
    "metric": ("image_metric",),
}
"""Modules of gantrans.api that an author of the kind meets too."""

_ELSEWHERE = ("kind", "config", "Config")
"""Attributes that the page speaks of where it speaks of settings."""

Class = ast.ClassDef
Function = ast.FunctionDef


def page(kind: Kind, registry: Registry) -> str:
    """The interface of one kind, and the components of `registry` that have it."""
    name = kind.capitalize()
    settings = f"{name}Config"
    classes = {node.name: node for node in _module(kind) if isinstance(node, Class)}
    config: type[ComponentConfig] = getattr(import_module(f"gantrans.api.{kind}"), settings)
    parts = [
        f"# The interface of a {kind}\n",
        f"Made from the code by `make docs`. A {kind} is a class derived from `gantrans.{name}`\n"
        "that has a `name`; its settings are a class `Config`, nested in it. [Write a "
        f"{kind}](../../how-to/write-a-{kind}.md)\nshows one, the [plugin interface]"
        "(../plugin-api.md) says how it becomes known to gantrans.\n",
        *_class(classes[name], f"gantrans.{name}"),
        f"`config.build({_runtime(classes[name])})` makes one.\n",
        f"### What every component has\n\n{_members(_component())}",
        f"## {settings}\n",
        f"The base of `Config` is `gantrans.{settings}`. In the `Config` of another component,\n"
        f"a field of type `gantrans.api.{kind}.{name}Slot` takes a {kind}, by name or as a table."
        "\n",
        table(keys(config)) or "It has no keys.\n",
        _members(classes[settings], fields=False),
        *_beside(kind, skip=(name, settings)),
        *(part for module in BESIDE.get(kind, ()) for part in _beside(module)),
        f"## The {plural(kind)} there are\n",
        "\n".join(
            f"- [`{one}`](../spec.md#the-{kind}-{one}): {registry.entry(kind, one).ref.summary}"
            for one in registry.names(kind)
        ),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _runtime(node: Class) -> str:
    """The arguments of a component's `__init__` beside its config."""
    [init] = [n for n in node.body if isinstance(n, Function) and n.name == "__init__"]
    return ", ".join(f"{argument.arg}=..." for argument in init.args.kwonlyargs)


def _module(name: str) -> list[ast.stmt]:
    [folder] = gantrans.api.__path__
    return ast.parse((Path(folder) / f"{name}.py").read_text(encoding="utf-8")).body


def _component() -> Class:
    [found] = [n for n in _module("component") if isinstance(n, Class) and n.name == "Component"]
    return found


def _beside(module: str, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """What else is public in a module: classes, functions, and names that are documented."""
    body = _module(module)
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, Class) and node.name not in skip and node.name[0] != "_":
            yield from _class(node, f"gantrans.api.{module}.{node.name}")
        elif isinstance(node, Function) and node.name[0] != "_":
            yield f"## {node.name}\n\n`gantrans.api.{module}.{_signature(node)}`\n\n{_doc(node)}"
        elif (text := _text(after)) and isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            value = f" = {ast.unparse(node.value)}" if node.value else ""
            name = ast.unparse(target)
            yield f"## {name}\n\n`gantrans.api.{module}.{name}{value}`\n\n{prose(text)}\n"


def _class(node: Class, path: str) -> Iterator[str]:
    bases = ", ".join(map(ast.unparse, node.bases))
    yield f"## {node.name}\n\n`{path}`{f', derived from `{bases}`' if bases else ''}.\n"
    yield _doc(node)
    if any(base.endswith("Config") for base in map(ast.unparse, node.bases)):
        module = import_module(path.rpartition(".")[0])
        yield table(keys(getattr(module, node.name)))
    else:
        members = _members(node)
        yield f"Attributes and methods:\n\n{members}" if members else ""


def _members(node: Class, fields: bool = True) -> str:
    """Its attributes and methods, each with its docstring, as a list."""
    said = _doc(node)
    lines = []
    for member, after in zip(node.body, [*node.body[1:], None], strict=True):
        text = ""
        if isinstance(member, ast.AnnAssign) and fields:
            name = ast.unparse(member.target)
            if name[0] == "_" or name in _ELSEWHERE or f"- `{name}`:" in said:
                continue
            value = f" = {ast.unparse(member.value)}" if member.value else ""
            head, text = f"{name}: {_plain(member.annotation)}{value}", _text(after)
        elif isinstance(member, Function) and _is_public(member):
            marks = {ast.unparse(mark) for mark in member.decorator_list}
            head = _signature(member)
            if "property" in marks:
                head = head.replace("() ->", ":")
            text = ast.get_docstring(member) or ""
        else:
            continue
        lines.append(f"- `{head}`" + "".join(f"\n\n{_indented(prose(text))}" if text else ""))
    return "\n".join(lines) + "\n" if lines else ""


def _is_public(member: Function) -> bool:
    abstract = any(ast.unparse(mark) == "abstractmethod" for mark in member.decorator_list)
    return member.name[0] != "_" or abstract


def _signature(function: Function) -> str:
    arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(function.args))
    gives = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{function.name}({arguments}){gives}"


def _plain(annotation: ast.expr) -> str:
    return re.sub(r"^ClassVar\[(.*)\]$", r"\1", ast.unparse(annotation))


def _text(node: ast.stmt | None) -> str:
    """The docstring that stands after an assignment."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""


def _doc(node: Class | Function) -> str:
    return prose(ast.get_docstring(node) or "") + "\n"


def prose(docstring: str) -> str:
    """A docstring as Markdown: its lists of `name: text`, such as Args, become bullets."""
    lines: list[str] = []
    inside = ""  # of a list, or of what is returned
    for line in docstring.splitlines():
        item = re.match(r"    (\w+): (.*)", line)
        if line == "Returns:":
            inside = "returns"
            lines.append("Returns")
        elif item and inside != "returns":
            lines += ([] if inside else [""]) + [f"- `{item[1]}`: {item[2]}"]
            inside = "list"
        elif inside and line.startswith("    "):
            lines.append(f"{'  ' * (inside == 'list')}{line.strip()}")
        else:
            inside = ""
            lines.append("Arguments:" if line == "Args:" else line)
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    builtins = load_registry(environ={"GANTRANS_PLUGINS": "none"})
    for each in KINDS:
        file = Path(sys.argv[1]) / f"{each}.md"
        file.write_text(page(each, builtins), encoding="utf-8")
