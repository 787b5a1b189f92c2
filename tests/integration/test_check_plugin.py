"""`gantrans check-plugin`, and the kit in a plugin author's own pytest."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parents[2]

SOUND = '''
import gantrans
from pydantic import Field


class Mild(gantrans.Metric):
    """How far translations are from gray."""

    name = "mild"

    class Config(gantrans.MetricConfig):
        scale: float = Field(description="factor of the distance")

    def __init__(self, config):
        super().__init__(config)
        self.total, self.count = 0.0, 0

    def update(self, images):
        self.total += float(images.fake.abs().mean(dim=(1, 2, 3)).sum())
        self.count += len(images.fake)

    def compute(self):
        return {"mild": self.config.scale * self.total / self.count}
'''

FAULTY = SOUND.replace("len(images.fake)", "len(images.fake.zero_())").replace(
    "scale: float = Field(", "scale: float = Field(1.0, "
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mild.py"
    path.write_text(SOUND)
    return path


def lines(out: str) -> dict[str, str]:
    """What is said of each check."""
    return dict(re.findall(r"^  (\w+) +(ok|FAILED|skipped \(.*\))$", out, re.MULTILINE))


def test_the_example_plugin_passes(command: Command) -> None:
    code, out, err = command("check-plugin", str(ROOT / "examples" / "plugins" / "edge_loss.py"))

    assert (code, err) == (0, "")
    assert out.startswith("loss edges (")
    found = lines(out)
    assert found["gradient_reaches_the_generator"] == "ok"
    assert found["gradient_reaches_the_discriminators"] == "skipped (it has no discriminator side)"
    assert re.search(rf"^{len(found)} checks: \d+ ok, \d+ skipped$", out, re.MULTILINE)


def test_verdicts_stand_in_one_column(command: Command) -> None:
    _, out, _ = command("check-plugin", "psnr")

    found = re.findall(r"^(  \w+ +)ok$", out, re.MULTILINE)
    assert len(found) > 5
    assert len({len(name) for name in found}) == 1


def test_a_failure_ends_with_one_and_says_what_to_change(command: Command, file: Path) -> None:
    file.write_text(FAULTY)

    code, out, err = command("check-plugin", str(file))

    assert (code, err) == (1, "")
    assert lines(out)["leaves_its_input_alone"] == "FAILED"
    explained = "  leaves_its_input_alone: The images that it is given are afterwards as they were."
    assert f"\n{explained}\n    " in out
    assert re.search(r"^\d+ checks: .*\d+ failed", out, re.MULTILINE)
    assert "Traceback" not in out


def test_an_exception_of_the_plugin_is_shown_with_its_line(command: Command, file: Path) -> None:
    file.write_text(SOUND.replace("self.config.scale", "self.config.skale"))

    code, out, _ = command("check-plugin", str(file), "--set", "scale=2.0")

    at = SOUND[: SOUND.index("self.config.scale")].count("\n") + 1
    assert code == 1
    assert f"({file}:{at}, in compute)" in out
    assert "Traceback" not in out


def test_a_setting_without_a_default_is_asked_for_and_taken(command: Command, file: Path) -> None:
    code, out, _ = command("check-plugin", str(file))

    assert code == 1
    assert "scale: missing (factor of the distance)" in out
    assert "--set scale=VALUE" in out

    for setting in ("scale=2.0", "metric/mild.scale=2.0"):
        code, out, _ = command("check-plugin", str(file), "--set", setting)
        assert code == 0
        assert lines(out)["builds"] == "ok"


def test_wrong_use_ends_with_two(command: Command, file: Path) -> None:
    for arguments, message in [
        (["psrn"], "did you mean 'psnr'?"),
        (["nowhere.py"], "there is no file"),
        (["psnr", "--kind", "metrik"], "did you mean 'metric'?"),
        ([str(file), "--set", "scale=wide"], "scale: must be a number"),
        ([str(file), "--set", "metric/mlid.scale=1.0"], "did you mean 'metric/mild'?"),
        (["ssim", "--set", "weight=1.0"], "--set loss/ssim.weight=1.0"),
        ([str(file), "--set", "scale"], "write it as KEY=VALUE"),
    ]:
        code, out, err = command("check-plugin", *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in err


def test_a_broken_plugin_fails_with_its_reason(command: Command, file: Path) -> None:
    file.write_text("import nowhere_to_be_found\n")

    code, out, err = command("check-plugin", str(file))

    assert (code, out) == (1, "")
    assert "No module named 'nowhere_to_be_found' (line 1)" in err


def test_json_has_an_object_for_each_check(command: Command, file: Path) -> None:
    file.write_text(FAULTY)

    code, out, _ = command("check-plugin", str(file), "--json")

    found = {one["check"]: one for one in json.loads(out)}
    assert code == 1
    assert found["loads"] == {
        "kind": "metric",
        "name": "mild",
        "check": "loads",
        "title": "Its code can be imported, and is what its plugin registers; no other plugin has "
        "its name.",
        "status": "ok",
        "message": "",
    }
    assert found["leaves_its_input_alone"]["status"] == "failed"
    assert "images.fake" in found["leaves_its_input_alone"]["message"]


def test_json_is_json_whatever_the_plugin_prints(command: Command, file: Path) -> None:
    printing = SOUND.replace("        return {", "        print('measuring')\n        return {")
    file.write_text(f"print('loading')\n{printing}")

    _, out, err = command("check-plugin", str(file), "--json", "--set", "scale=2.0")

    assert {one["status"] for one in json.loads(out)} <= {"ok", "skipped"}
    assert "loading" in err
    assert "measuring" in err


TEST = """
import pytest


@pytest.fixture(scope="session")
def component_settings(tmp_path_factory):
    return {{"metric/mild": {{"scale": 2.0}}}}


@pytest.mark.gantrans({target!r})
def test_mild(component_check):
    component_check()
"""


def pytest_in(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GANTRANS_PLUGINS": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_in_pytest_there_is_one_test_a_check(file: Path) -> None:
    (file.parent / "test_mild.py").write_text(TEST.format(target="mild.py"))

    code, out = pytest_in(file.parent, "-v")

    assert code == 0, out
    found = re.findall(r"test_mild\.py::test_mild\[(\S+)\] (\w+)", out)
    assert ("metric-mild-batches_do_not_matter", "PASSED") in found
    assert ("metric-mild-the_truth_is_best", "SKIPPED") in found
    assert len(found) > 10


def test_in_pytest_a_failure_is_its_message_without_our_traceback(file: Path) -> None:
    file.write_text(FAULTY)
    (file.parent / "test_mild.py").write_text(TEST.format(target="mild.py"))

    code, out = pytest_in(file.parent, "-k", "leaves_its_input_alone")

    assert code == 1
    assert "metric/mild: The images that it is given are afterwards as they were." in out
    assert "update() writes into images.fake" in out
    assert "1 failed" in out
    assert "pytest_plugin.py" not in out


def test_in_pytest_a_target_that_names_nothing_fails_as_one_test(file: Path) -> None:
    (file.parent / "test_mild.py").write_text(TEST.format(target="milt"))

    code, out = pytest_in(file.parent)

    assert code == 1
    assert "test_mild[target]" in out
    assert "no component is called 'milt'" in out
    assert "1 failed" in out


def test_in_pytest_a_test_without_a_target_is_told_how_to_name_one(tmp_path: Path) -> None:
    code = "def test_mild(component_check):\n    component_check()\n"
    (tmp_path / "test_mild.py").write_text(code)

    _, out = pytest_in(tmp_path)

    assert '@pytest.mark.gantrans("my-plugin", settings={...})' in out


def test_a_project_that_does_not_use_the_kit_imports_none_of_it(tmp_path: Path) -> None:
    """Loading the pytest plugin costs it nothing: no torch, no pydantic, no component."""
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    assert 'gantrans.testing.pytest_plugin' in sys.modules\n"
        "    assert not {'torch', 'pydantic', 'gantrans.plugin.manager'} & set(sys.modules)\n"
    )

    code, out = pytest_in(tmp_path)

    assert code == 0, out
