from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gantrans


def names_for_type_checkers() -> dict[str, str]:
    tree = ast.parse(Path(gantrans.__file__).read_text())
    [block] = [n for n in tree.body if isinstance(n, ast.If)]
    imports = [n for n in block.body if isinstance(n, ast.ImportFrom)]
    return {a.name: (n.module or "").removeprefix("gantrans.") for n in imports for a in n.names}


@pytest.mark.parametrize("name", sorted(gantrans._HOME))
def test_every_public_name_resolves(name: str) -> None:
    found = getattr(gantrans, name)
    assert getattr(found, "__module__", "") == f"gantrans.{gantrans._HOME[name]}" or not isinstance(
        found, type
    )


def test_type_checkers_see_the_same_names_in_the_same_homes() -> None:
    assert names_for_type_checkers() == gantrans._HOME


def test_every_public_name_is_listed() -> None:
    assert dir(gantrans) == sorted([*gantrans._HOME, "__version__"])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Looss'"):
        _ = gantrans.Looss


@pytest.mark.parametrize(
    "code",
    [
        "import gantrans",
        "import gantrans.spec.describe, gantrans.plugin.manager, gantrans.api.slot",
        "import gantrans.api.component, gantrans.api.dataset, gantrans.api.tracker",
        "import gantrans; gantrans.ComponentRef, gantrans.hookimpl, gantrans.Dataset",
        "import gantrans; gantrans.load_registry()",
        "import gantrans.cli.app",
    ],
)
def test_what_is_said_to_need_no_torch_imports_none(code: str) -> None:
    ask = f"{code}\nimport sys; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
