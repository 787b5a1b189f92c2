from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from gantrans.errors import PluginError
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry

TWO_LOSSES = '''\
from __future__ import annotations

from pydantic import Field
import gantrans
from gantrans.builtins.losses.cycle import Cycle


class Shared(gantrans.Loss):
    """A base class: it has no name."""


class Edge(Shared):
    """Keep the edges."""

    name = "edge"

    class Config(gantrans.LossConfig):
        """Settings."""

        sigma: float = Field(1.0, gt=0, description="blur in pixels")


class Softer(Cycle):
    """A cycle, softer."""

    name = "softer"


class Unnamed(Cycle):
    """Derived, but no component of its own."""


Alias = Edge
'''


def plugin(folder: Path, code: str, name: str = "my_losses.py") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(code)
    return file


def from_files(registry: Registry) -> set[tuple[str, str]]:
    return {(e.ref.kind, e.ref.name) for e in registry if e.origin.file}


@pytest.mark.parametrize("name", ["my.losses.py", "über uns-2.py", "..py", "no_ending"])
def test_a_plugins_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Pickling, on the way to processes that load images, imports a class's module by its name."""
    config = load_registry([plugin(tmp_path, TWO_LOSSES, name)]).config("loss", "edge")
    assert pickle.loads(pickle.dumps(config)) == config


def test_exactly_the_components_defined_in_the_file_are_registered(tmp_path: Path) -> None:
    registry = load_registry([plugin(tmp_path, TWO_LOSSES)])
    assert registry.broken == []
    assert from_files(registry) == {("loss", "edge"), ("loss", "softer")}
    assert registry.entry("loss", "cycle").origin.name == "gantrans"
    assert registry.entry("loss", "edge").ref.summary == "Keep the edges."


def test_a_component_of_a_file_can_be_configured(tmp_path: Path) -> None:
    registry = load_registry([plugin(tmp_path, TWO_LOSSES)])
    config = registry.config("loss", "edge", {"sigma": 2})
    of_every_loss = {"weight": 1.0, "every": 1, "start": 0, "ramp": 0}
    assert config.model_dump() == {"type": "edge", "sigma": 2.0} | of_every_loss
    assert type(config.build()).name == "edge"


def test_the_digest_of_the_file_is_recorded(tmp_path: Path) -> None:
    file = plugin(tmp_path, TWO_LOSSES)
    [origin] = load_registry([file]).file_plugins()
    assert origin.file == file
    assert origin.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_copy_of_a_plugin_is_the_same_plugin(tmp_path: Path) -> None:
    first = plugin(tmp_path / "a", TWO_LOSSES)
    second = plugin(tmp_path / "b", TWO_LOSSES)
    registry = load_registry([first, second, first])
    assert registry.entry("loss", "edge").origin.file == first


def test_a_changed_file_is_run_anew_in_the_same_process(tmp_path: Path) -> None:
    file = plugin(tmp_path, TWO_LOSSES)
    load_registry([file])
    plugin(tmp_path, TWO_LOSSES.replace("1.0, gt=0", "7.0, gt=0"))
    assert load_registry([file]).config("loss", "edge").sigma == 7.0


def test_two_files_with_one_name_both_load(tmp_path: Path) -> None:
    first = plugin(tmp_path / "a", TWO_LOSSES)
    second = plugin(tmp_path / "b", "import gantrans\nclass G(gantrans.Loss):\n    name = 'glow'\n")
    assert from_files(load_registry([first, second])) == {
        ("loss", "edge"),
        ("loss", "softer"),
        ("loss", "glow"),
    }


def test_a_collision_between_files_names_both_paths(tmp_path: Path) -> None:
    first = plugin(tmp_path / "a", TWO_LOSSES)
    second = plugin(tmp_path / "b", TWO_LOSSES + "\n")
    with pytest.raises(PluginError) as caught:
        load_registry([first, second]).entry("loss", "edge")
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import gantrans\n\nclass Edge(gantrans.Los):\n    name = 'edge'\n", "(line 3)"),
        ("x = 1\nimport no_such_module\n", "No module named 'no_such_module' (line 2)"),
        ("x = 1\ndef broken(:\n", "line 2"),
        ("raise SystemExit", "SystemExit"),
        ("api_version = 2\nimport gantrans\ngantrans.New", "written for version 2 of the plugin"),
        ("api_version = 2\nimport gantrans\nclass A(gantrans.Loss):\n    name = 'x'", "version 2"),
        ("api_version = True", "api_version = True: give the version"),
        ("x = 1\n", "no component class is defined in it"),
        ("from gantrans.builtins.losses.cycle import Cycle\n", "no component class"),
        (
            "import gantrans\nclass A(gantrans.Loss):\n    name = 'x'\n"
            "class B(gantrans.Loss):\n    name = 'x'\n",
            "it registers the loss 'x' 2 times",
        ),
        ("import gantrans\nclass A(gantrans.Loss):\n    name = 'Bad Name'\n", "lower_case"),
    ],
)
def test_a_broken_file_is_reported_with_its_line(code: str, reason: str, tmp_path: Path) -> None:
    registry = load_registry([plugin(tmp_path, code)])
    [broken] = registry.broken
    assert broken.origin.name == "my_losses.py"
    assert reason in broken.reason
    assert from_files(registry) == set()


def test_a_missing_file_is_reported_with_its_path(tmp_path: Path) -> None:
    [broken] = load_registry([tmp_path / "gone.py"]).broken
    assert broken.reason == f"there is no file {tmp_path / 'gone.py'}"


def test_running_a_file_leaves_no_cache_beside_it(tmp_path: Path) -> None:
    load_registry([plugin(tmp_path, TWO_LOSSES)])
    assert [p.name for p in tmp_path.iterdir()] == ["my_losses.py"]
