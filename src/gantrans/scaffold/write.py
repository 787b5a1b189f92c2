"""Fills the templates in, and writes what they give. Nothing that is there is overwritten.

`templates/package` is what packages of all kinds share; the folder of a kind has its component, the
tests of its maths and a piece of a spec. They are `string.Template`s, so a `$` in one names a part
of the plugin's naming.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from string import Template

from gantrans.errors import GantransError, UsageError
from gantrans.scaffold.naming import Naming

_TEMPLATES = files("gantrans.scaffold") / "templates"


def component(new: Naming) -> str:
    """The module with the component: a one-file plugin as it stands, and a package's heart."""
    return _filled(f"{new.kind}/component.py.tmpl", new)


def spec_piece(new: Naming) -> str:
    """TOML that uses the component, to be put into a spec."""
    return _filled(f"{new.kind}/spec.toml.tmpl", new)


def package(new: Naming) -> dict[str, str]:
    """An installable package: the text of every file, by its path in the package's folder."""
    code = component(new)
    parts = {"summary": _summary(code), "piece": spec_piece(new).rstrip()}
    source = f"src/{new.package}"
    return {
        ".gitignore": _filled("package/gitignore.tmpl", new),
        "README.md": _filled("package/README.md.tmpl", new, parts),
        "pyproject.toml": _filled("package/pyproject.toml.tmpl", new, parts),
        f"{source}/__init__.py": _filled("package/init.py.tmpl", new),
        f"{source}/{new.name}.py": code,
        f"{source}/hooks.py": _filled("package/hooks.py.tmpl", new, parts),
        f"{source}/py.typed": "",
        f"tests/test_{new.name}.py": _filled(f"{new.kind}/test.py.tmpl", new),
    }


def write_file(path: Path, text: str) -> None:
    """Write a new file, in a folder that is made if need be.

    Raises UsageError if the file is there already, GantransError if it cannot be written.
    """
    with _said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _said(path, exists=True), path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a new folder: all of them, or, if one cannot be written, nothing.

    Raises UsageError if the folder is there already, GantransError if it cannot be written.
    """
    with _said(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with _said(folder, exists=True):
        folder.mkdir()
    try:
        for path, text in texts.items():
            write_file(folder / path, text)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _filled(template: str, new: Naming, parts: Mapping[str, str] | None = None) -> str:
    """The template with its `$placeholders` filled in; KeyError for one that nothing fills."""
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    own = {
        key: getattr(new, key) for key in ("kind", "name", "class_name", "package", "distribution")
    }
    return Template(text).substitute(own, **(parts or {}))


def _summary(code: str) -> str:
    """The first line of the docstring of the component, which is the module's first class."""
    classes = [node for node in ast.parse(code).body if isinstance(node, ast.ClassDef)]
    return (ast.get_docstring(classes[0]) or "").partition("\n")[0]


@contextmanager
def _said(path: Path, *, exists: bool = False) -> Iterator[None]:
    """What goes wrong as one message; `exists`: that `path` is there is the user's to solve."""
    try:
        yield
    except OSError as error:
        if exists and isinstance(error, FileExistsError):
            raise UsageError(
                f"{path} exists already and is not overwritten: choose another name or --dir"
            ) from None
        raise GantransError(f"cannot write {path}: {error.strerror or error}") from error
