"""`gantrans run --resume`: what goes on, from where, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint
from processes import Launcher

EVERY_STEP = ["--set", "train.checkpoint_every=1", "--set", "train.keep_last=99"]
STEPS = 12

PLUGIN = """
import gantrans

class Brightness(gantrans.Loss):
    "Keeps the mean brightness."
    name = "brightness"
    requires = {"fake"}

    def generator(self, step):
        return sum((step.fake[d].mean() - step.real[d].mean()).abs() for d in "ab")
"""


@pytest.fixture(scope="module")
def finished(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """A run that went through without a stop, every checkpoint kept. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(tiny)
    averaged = ["--set", "train.ema=0.8", "--set", "train.evaluate_every=4"]
    ended = launcher("run", "tiny.toml", *EVERY_STEP, *averaged, "--run-dir", "run", cwd=folder)
    assert ended.code == 0, ended
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it: run directories may be moved."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def weights(run: Path, step: int) -> dict[str, bytes]:
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.safetensors"))}


def pointed(run: Path, name: str) -> str:
    return (run / "checkpoints" / name).read_text()


def forget_after(run: Path, step: int) -> None:
    """As if the run had been killed there."""
    for folder in checkpoint_folders(run / "checkpoints")[step:]:
        shutil.rmtree(folder)
    (run / "summary.json").unlink()


@pytest.mark.parametrize("step", [1, 5, 11])
def test_a_resume_from_any_checkpoint_ends_with_the_same_weights(
    launcher: Launcher, run: Path, finished: Path, tmp_path: Path, step: int
) -> None:
    forget_after(run, step)
    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    assert weights(run, STEPS) == weights(finished, STEPS)
    assert weights(run, step + 1) == weights(finished, step + 1)


@pytest.mark.parametrize("step", [1, 6])
def test_so_it_does_whatever_the_method(
    launcher: Launcher, one_way: Path, tmp_path: Path, step: int
) -> None:
    run = tmp_path / "run"
    assert launcher("run", one_way, *EVERY_STEP, "--run-dir", run, cwd=tmp_path).code == 0
    whole = {number: weights(run, number) for number in (step + 1, STEPS)}
    forget_after(run, step)
    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    for number, files in whole.items():
        assert len(files) == 3
        assert weights(run, number) == files


def test_a_named_checkpoint_is_gone_on_from_and_later_ones_are_set_aside(
    launcher: Launcher, run: Path, finished: Path, tmp_path: Path
) -> None:
    named = run / "checkpoints" / "step-00000010"
    ended = launcher("run", "--resume", named, cwd=tmp_path)
    assert ended.code == 0, ended
    assert "going on at step 10" in ended.out
    assert "set aside the later checkpoint step-00000011" in ended.out
    aside = run / "checkpoints" / "set-aside"
    assert sorted(f.name for f in aside.iterdir()) == ["step-00000011", "step-00000012"]
    assert weights(run, STEPS) == weights(finished, STEPS)
    assert pointed(run, "latest") == pointed(finished, "latest") == "step-00000012\n"
    # Later lines of the numbers were forgotten, then written again.
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    whole = (finished / "metrics.jsonl").read_text().splitlines()
    assert steps == [json.loads(line)["step"] for line in whole]


def test_generator_files_hold_the_running_mean_of_the_weights(finished: Path) -> None:
    def files(step: int, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        folder = finished / "checkpoints" / f"step-{step:08d}"
        state = load_file(folder / "training.safetensors")
        prefix = f"weights/{name}/"
        raw = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        return load_file(folder / f"{name}.safetensors"), raw

    for name in ("generator_ab", "generator_ba"):
        for step in range(2, STEPS + 1):
            mean, raw = files(step, name)
            before, _ = files(step - 1, name)
            decay = min(0.8, (1 + step) / (10 + step))
            assert mean.keys() == raw.keys()
            for key in mean:
                expected = decay * before[key].double() + (1 - decay) * raw[key].double()
                assert (mean[key] - expected).abs().max() < 1e-6
        assert any((mean[key] != raw[key]).any() for key in mean)


def test_a_run_killed_between_its_last_checkpoint_and_its_summary_still_ends(
    launcher: Launcher, run: Path, finished: Path, tmp_path: Path
) -> None:
    (run / "summary.json").unlink()
    ended = launcher("run", "--resume", run, cwd=tmp_path)
    assert ended.code == 0, ended
    summaries = [json.loads((path / "summary.json").read_text()) for path in (run, finished)]
    assert summaries[0]["metrics"] == summaries[1]["metrics"]
    assert summaries[0]["steps"] == STEPS
    assert weights(run, STEPS) == weights(finished, STEPS)


def test_a_finished_run_is_left_alone_and_can_be_made_longer(
    launcher: Launcher, run: Path, tmp_path: Path
) -> None:
    before = (run / "spec.resolved.json").read_text()
    ended = launcher("run", "--resume", run, cwd=tmp_path)
    assert ended.code == 2
    assert "is finished" in ended.err and "--set train.epochs=N" in ended.err
    assert (run / "spec.resolved.json").read_text() == before

    longer = launcher("run", "--resume", run, "--set", "train.epochs=3", cwd=tmp_path)
    assert longer.code == 0, longer
    assert json.loads((run / "summary.json").read_text())["steps"] == 18
    assert len(weights(run, 18)) == 5


def test_a_kill_before_latest_was_moved_goes_on_from_the_newest_whole_checkpoint(
    launcher: Launcher, run: Path, finished: Path, tmp_path: Path
) -> None:
    forget_after(run, 4)
    (run / "checkpoints" / "latest").write_text("step-00000003\n")
    half = run / "checkpoints" / f"step-00000005{checkpoint.PARTIAL}"
    shutil.copytree(run / "checkpoints" / "step-00000004", half)
    ended = launcher("run", "--resume", run, cwd=tmp_path)
    assert ended.code == 0, ended
    assert "going on at step 4" in ended.out
    assert not (run / "checkpoints" / "set-aside").exists() and not half.exists()
    assert weights(run, STEPS) == weights(finished, STEPS)


def test_another_architecture_is_refused_and_nothing_is_changed(
    launcher: Launcher, run: Path, finished: Path, tmp_path: Path
) -> None:
    forget_after(run, 6)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    ended = launcher("run", "--resume", run, "--set", "generator.width=8", cwd=tmp_path)
    assert ended.code == 1
    assert "has width = 2, the spec says 8" in ended.err
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before
    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    assert weights(run, STEPS) == weights(finished, STEPS)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("method.pool_size=2", "3 images, now pool_size = 2"), ("data.size=20", "(3, 20, 20)")],
)
def test_a_pool_that_does_not_fit_is_refused(
    launcher: Launcher, run: Path, tmp_path: Path, setting: str, expected: str
) -> None:
    forget_after(run, 6)
    ended = launcher("run", "--resume", run, "--set", setting, cwd=tmp_path)
    assert ended.code == 1 and "Traceback" not in ended.err
    assert expected in ended.err and "that the run began with" in ended.err
    assert len(checkpoint_folders(run / "checkpoints")) == 6


@pytest.mark.parametrize("one_way", ["cut"], indirect=True)
def test_a_head_that_does_not_fit_is_refused(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert launcher("run", one_way, *EVERY_STEP, "--run-dir", run, cwd=tmp_path).code == 0
    forget_after(run, 6)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    for setting, loss in [
        ("losses.patch_nce.width=8", "patch_nce"),
        ('losses.patch_nce.layers=["image"]', "patch_nce"),
        ('losses.other={type="patch_nce", layers=["image"], patches=9}', "other"),
    ]:
        ended = launcher("run", "--resume", run, "--set", setting, cwd=tmp_path)
        message = ended.complaint(1)
        assert "go on with the spec that the run began with" in message
        assert loss in message
        assert len(message.splitlines()) == 1  # not torch's list of a dozen tensors
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_other_training_images_are_noticed(launcher: Launcher, run: Path, tmp_path: Path) -> None:
    forget_after(run, 6)
    ended = launcher("run", "--resume", run, "--set", "data.train=5", cwd=tmp_path)
    assert ended.code == 0
    assert "train images of summer" in ended.out and "1 gone (train-0005)" in ended.out


def test_log_is_appended_to(launcher: Launcher, run: Path, tmp_path: Path) -> None:
    before = (run / "log.txt").read_text()
    forget_after(run, 6)
    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    after = (run / "log.txt").read_text()
    assert after.startswith(before) and "going on at step 6" in after.removeprefix(before)


@pytest.fixture
def with_plugin(launcher: Launcher, spec: Path, tmp_path: Path) -> Path:
    """A run with a loss of its own, whose plugin file and spec are no longer there."""
    (tmp_path / "mine").mkdir()
    plugin = tmp_path / "mine" / "brightness.py"
    plugin.write_text(PLUGIN)
    spec.write_text(f'plugins = ["mine/brightness.py"]\n{spec.read_text()}[losses.brightness]\n')
    run = tmp_path / "first"
    ended = launcher("run", spec, *EVERY_STEP, "--run-dir", run, cwd=tmp_path)
    assert ended.code == 0, ended
    shutil.rmtree(tmp_path / "mine")
    spec.rename(tmp_path / "spec-with-plugin.toml")
    return run


def test_a_moved_run_goes_on_with_its_own_copy_of_the_plugin(
    launcher: Launcher, with_plugin: Path, tmp_path: Path
) -> None:
    whole = weights(with_plugin, STEPS)
    forget_after(with_plugin, 6)
    moved = with_plugin.rename(tmp_path / "moved")
    for _ in range(2):  # the record that a resume leaves is as good as the first
        ended = launcher("run", "--resume", moved, cwd=tmp_path)
        assert ended.code == 0, ended
        assert weights(moved, STEPS) == whole
        forget_after(moved, 8)


def test_a_changed_copy_of_a_plugin_is_not_executed(
    launcher: Launcher, with_plugin: Path, tmp_path: Path
) -> None:
    forget_after(with_plugin, 6)
    copy = with_plugin / "plugins" / "brightness.py"
    copy.write_text("from pathlib import Path\nPath('executed').touch()\n" + PLUGIN)
    ended = launcher("run", "--resume", with_plugin, cwd=tmp_path)
    assert ended.code == 2
    assert str(copy) in ended.err and f"gantrans run SPEC --resume {with_plugin}" in ended.err
    assert not (tmp_path / "executed").exists()

    # The way out that the message names: the spec, with the plugin that it names.
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "brightness.py").write_text(PLUGIN)
    given = tmp_path / "spec-with-plugin.toml"
    ended = launcher("run", given, *EVERY_STEP, "--resume", with_plugin, cwd=tmp_path)
    assert ended.code == 0, ended
    assert copy.read_text() == PLUGIN
