"""The files that pages are made of, and the templates of a package. Imports no torch."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


@cache
def asset(name: str) -> str:
    """The text of a file of `assets/`, such as "theme.css" or "divider.js"."""
    return (files("gantrans.page") / "assets" / name).read_text(encoding="utf-8")


@cache
def templates(package: str) -> Environment:
    """The templates in a package's folder `templates/`, such as "gantrans.report".

    What a template is given is escaped, unless it is said to be safe; a name that it is not given
    is an error. `asset` can be called in it: {{ asset("theme.css") }}.
    """
    folder = files(package) / "templates"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset
    return environment
