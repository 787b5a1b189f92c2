from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gantrans.api.component import KINDS, Kind
from gantrans.api.version import API_VERSION
from gantrans.errors import GantransError, UsageError
from gantrans.scaffold.naming import Naming, naming
from gantrans.scaffold.write import component, package, spec_piece, write_file, write_folder


@pytest.fixture(params=KINDS)
def new(request: pytest.FixtureRequest) -> Naming:
    kind: Kind = request.param
    return Naming(kind, "my_part")


def test_a_package_has_the_component_of_the_single_file(new: Naming) -> None:
    assert package(new)["src/gantrans_my_part/my_part.py"] == component(new)


def test_no_placeholder_is_left(new: Naming) -> None:
    texts = [component(new), spec_piece(new), *package(new).values()]
    assert not any("$" in text for text in texts)


def test_the_entry_point_leads_to_a_hook_that_leads_to_the_class(new: Naming) -> None:
    texts = package(new)
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    [hooks] = project["entry-points"]["gantrans"].values()
    assert hooks == "gantrans_my_part.hooks"
    made: dict[str, Any] = {}
    exec(texts["src/gantrans_my_part/hooks.py"], made)

    [ref] = made["gantrans_components"]()

    assert made["api_version"] == API_VERSION
    assert (ref.kind, ref.name) == (new.kind, "my_part")
    module, _, name = ref.target.partition(":")
    code = ast.parse(texts[f"src/{module.replace('.', '/')}.py"])
    [found] = [n for n in code.body if isinstance(n, ast.ClassDef) and n.name == name]
    assert (ast.get_docstring(found) or "").startswith(ref.summary)
    assert ref.summary == project["description"]


def test_the_readme_has_the_piece_of_a_spec(new: Naming) -> None:
    piece = spec_piece(new)
    assert f"```toml\n{piece}```\n" in package(new)["README.md"]
    assert "my_part" in piece
    tomllib.loads(piece)


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("mine")

    with pytest.raises(UsageError, match=r"mine\.py exists already"):
        write_file(path, "theirs")

    assert path.read_text() == "mine"


@pytest.mark.parametrize("empty", [True, False])
def test_an_existing_folder_is_left_alone_even_if_empty(tmp_path: Path, empty: bool) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    if not empty:
        (folder / "a.txt").write_text("mine")

    with pytest.raises(UsageError, match="mine exists already"):
        write_folder(folder, {"a.txt": "theirs"})

    assert [p.read_text() for p in folder.iterdir()] == ([] if empty else ["mine"])


def test_a_folder_that_cannot_be_finished_is_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    with pytest.raises(GantransError, match="cannot write"):
        write_folder(folder, {"a": "a file, not a folder", "a/b.txt": "so this has no place"})

    assert not folder.exists()


def test_where_no_folder_can_be_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for write in (
        lambda: write_folder(tmp_path / "file" / "new", {}),
        lambda: write_file(tmp_path / "file" / "new.py", ""),
    ):
        with pytest.raises(GantransError, match="file"):
            write()


def test_the_longest_name_has_a_package_too() -> None:
    assert package(naming("discriminator", "a" * 40))
