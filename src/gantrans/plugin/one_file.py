"""One-file plugins: a Python file that the user names; its component classes are registered."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

from gantrans.api.component import Component, ComponentRef
from gantrans.api.version import check_api_version
from gantrans.errors import PluginError


def components_of(code: bytes, file: Path, digest: str) -> list[ComponentRef]:
    """Run the code of `file`; a reference to each component class defined in it, not imported.

    Raises PluginError if there is none, and whatever the code raises.
    """
    stem = re.sub(r"\W", "_", file.stem)  # of `my.losses` pickle would import the package `my`
    module = _execute(code, file, f"gantrans_file_plugin_{stem}_{digest[:12]}")
    classes = [
        value
        for value in dict.fromkeys(v for v in vars(module).values() if isinstance(v, type))
        if issubclass(value, Component)
        and value.__module__ == module.__name__
        and vars(value).get("name")
    ]
    if not classes:
        raise PluginError("no component class is defined in it (a class with a `name`)")
    return [
        ComponentRef(c.kind, c.name, f"{module.__name__}:{c.__name__}", c.summary())
        for c in classes
    ]


def _execute(code: bytes, file: Path, name: str) -> ModuleType:
    """Run the bytes that were hashed as a module; once in a process for one content."""
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        try:
            exec(compile(code, file, "exec"), vars(module))
        finally:
            # Also when it failed: what a newer interface has and this one lacks is why, then.
            check_api_version(vars(module).get("api_version", 1))
    except BaseException:
        del sys.modules[name]
        raise
    return module
