from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gantrans.errors import UsageError
from gantrans.testing.check import CheckFailed
from gantrans.testing.target import subjects_of

Install = Callable[..., Any]

CODE = """
import gantrans

class Edges(gantrans.Loss):
    name = "edges"

class Grain(gantrans.Loss):
    name = "grain"
"""


def meant(target: str, **options: Any) -> list[str]:
    return [str(subject) for subject in subjects_of(target, **options)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two_losses.py"
    path.write_text(CODE)
    return path


def test_a_file_means_the_components_defined_in_it(file: Path, tmp_path: Path) -> None:
    assert meant(str(file)) == ["loss/edges", "loss/grain"]
    assert meant("two_losses.py", base_dir=tmp_path) == ["loss/edges", "loss/grain"]


def test_a_distribution_or_its_entry_point_means_all_that_it_brings(
    install: Install, hook: Callable[..., str]
) -> None:
    site = install("some-plugin", hook("first", "second"))
    [info] = site.glob("*.dist-info")
    points = (info / "entry_points.txt").read_text()
    (info / "entry_points.txt").write_text(points.replace("some-plugin =", "short ="))

    for name in ("some-plugin", "Some_Plugin", "short"):
        assert meant(name) == ["loss/first", "loss/second"]


def test_a_name_means_the_components_of_that_name_of_every_kind() -> None:
    assert meant("ssim") == ["loss/ssim", "metric/ssim"]
    assert meant("metric/ssim") == ["metric/ssim"]
    assert meant("ssim", kind="loss") == ["loss/ssim"]


def test_a_component_of_a_file_that_is_loaded_beside(file: Path) -> None:
    assert meant("grain", files=[file]) == ["loss/grain"]


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("cycel", {}, "no component is called 'cycel'; did you mean 'cycle'?"),
        ("loss/cycel", {}, "did you mean 'loss/cycle'?"),
        ("tracker/cycle", {}, "is called 'tracker/cycle'"),
        ("nowhere.py", {}, "there is no file"),
        (f"{'long' * 75}.py", {}, "there is no file"),
        ("long" * 75, {}, "no component is called"),
        ("cycle", {"kind": "los"}, "did you mean 'loss'?"),
        ("cycle", {"kind": "tracker"}, "cycle brings no tracker"),
        ("cycle", {"settings": {"loss/cycel": {}}}, "did you mean 'loss/cycle'?"),
    ],
)
def test_what_names_nothing_is_wrong_use(
    target: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        subjects_of(target, **options)

    assert message in str(caught.value)


def test_a_file_whose_name_does_not_end_in_py_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("raise SystemExit('run')\n")

    with pytest.raises(UsageError, match="no component is called 'notes'"):
        subjects_of("notes", base_dir=tmp_path)


def test_a_broken_plugins_reason_is_the_failure(tmp_path: Path, install: Install) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    install("broken-plugin", "import nowhere_to_be_found\n")

    for target in (str(tmp_path / "broken.py"), "broken-plugin"):
        with pytest.raises(CheckFailed, match="No module named 'nowhere_to_be_found'"):
            subjects_of(target)


def test_settings_reach_the_component() -> None:
    [subject] = subjects_of("loss/cycle", settings={"loss/cycle": {"weight": 3.0}})

    assert subject.config.weight == 3.0
