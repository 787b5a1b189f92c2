from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browser import browser as browser
from browser import complaints as complaints
from browser import page as page
from browser import pytest_collection_modifyitems as pytest_collection_modifyitems
from browser import pytest_terminal_summary as pytest_terminal_summary
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry

# Read by torch when it is first imported, here and in the commands that tests start: networks this
# small are slower on several threads, and tests that run side by side would take them from another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Caches of training images do not belong in the home of whoever runs the tests.
if "GANTRANS_CACHE" not in os.environ:
    os.environ["GANTRANS_CACHE"] = tempfile.mkdtemp(prefix="gantrans-cache-")
    atexit.register(shutil.rmtree, os.environ["GANTRANS_CACHE"], ignore_errors=True)

# Nor do the plugins that they execute become known to that user.
if "XDG_STATE_HOME" not in os.environ:
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gantrans-state-")
    atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

Install = Callable[..., Path]


@pytest.fixture(scope="session")
def builtins() -> Registry:
    """The built-in components, whatever else is installed here."""
    return load_registry(environ={"GANTRANS_PLUGINS": "none"})


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a plugin package whose hook module has the given code; gives the site folder."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules: list[str] = []

    def put(name: str, code: str, version: str = "1.0") -> Path:
        module = f"{name.replace('-', '_')}_hooks"
        modules.append(module)
        (site / f"{module}.py").write_text(code)
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[gantrans]\n{name} = {module}\n")
        return site

    yield put
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def hook() -> Callable[..., str]:
    """The code of a hook module that registers losses with the given names."""

    def code(*names: str, target: str = "nowhere_to_be_found:Loss") -> str:
        refs = ", ".join(
            f"ComponentRef('loss', {n!r}, {target!r}, 'summary of {n}')" for n in names
        )
        return (
            "from gantrans import ComponentRef, hookimpl\n"
            "@hookimpl\n"
            "def gantrans_components():\n"
            f"    return [{refs}]\n"
        )

    return code
