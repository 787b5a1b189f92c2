"""Several processes train what one process trains, and end together."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint
from processes import LIMIT, Launcher, given, last_step
from rank_processes import one_message, run_ranks, start_ranks

PAIR = ["train.batch_size=2", "train.checkpoint_every=1", "train.keep_last=99"]
# Without normalisations, which make gradients of biases zero: Adam would make steps of rounding.
PLAIN = ["generator.norm='none'", "discriminator.norm='none'", "init={scheme='kaiming'}"]
CASES = {
    "cyclegan, and metrics": [
        "losses.identity={}", "data.test=3", "train.evaluate_every=3", "train.sample_every=4",
    ],
    "losses at some steps, accumulated": [
        # The discriminators have a term at the steps 0, 2, 3, 4, 6, and at 1, 5, 7 none.
        "losses.r1={every = 2}", "losses.adversarial.every=3", "losses.identity={start = 2}",
        "train.accumulate=2", "train.epochs=4", "data.train=8", "optimizer.clip_norm=1.0",
        "train.ema=0.5",
    ],
}  # fmt: skip
CUT = [
    "method={type = 'cut'}",
    # As many patches as there are pixels: each rank draws its own, so all of them are compared.
    "losses={adversarial = {}, patch_nce = {layers = ['block1'], patches = 16, width = 4}}",
]


def run_both(launcher: Launcher, spec: Path, settings: list[str]) -> tuple[Path, Path]:
    """The run of one process on two images, and that of two processes on one image each."""
    folder = spec.parent
    one, two = folder / "one", folder / "two"
    wanted = ["run", spec, *given(*PAIR, *PLAIN, *settings), "--run-dir"]
    ended = launcher(*wanted, one, cwd=folder)
    assert ended.code == 0, ended
    ranks = run_ranks(launcher, 2, *wanted, two, cwd=folder)
    assert [rank.code for rank in ranks] == [0, 0], ranks
    assert ranks[1].out == ranks[0].err == ranks[1].err == ""
    return one, two


def saved(run: Path, step: int) -> dict[str, Tensor]:
    """All of a checkpoint: weights, the moments of the gradients, image pools."""
    return {
        f"{file.stem}/{key}": value
        for file in (run / "checkpoints" / f"step-{step:08d}").glob("*.safetensors")
        for key, value in load_file(file).items()
    }


def numbers(run: Path) -> list[dict[str, float]]:
    """What metrics.jsonl says, without what depends on the clock.

    Nor the norms of gradients, which are more sensitive to the order of sums than the terms are.
    """
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    def counts(curve: str) -> bool:
        return curve == "step" or ("/" in curve and not curve.startswith("health/gradient/"))

    return [{k: v for k, v in line.items() if counts(k)} for line in lines]


def files(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*"))


def check_alike(one: Path, two: Path) -> None:
    """Every tensor and every number: after a step within 1e-5 of the largest of its kind, the
    gradients' moments too; then within 1e-4, for what is rounded differently makes more differ."""
    for step in range(1, last_step(one) + 1):
        found, expected = saved(two, step), saved(one, step)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            part = key.rpartition("/")[0].partition("/layers")[0]
            largest = max(float(v.abs().max()) for k, v in expected.items() if k.startswith(part))
            near = (1e-5 if step == 1 else 1e-4) * max(largest, 1e-3)
            difference = float((found[key] - value).abs().max())
            assert difference <= near, f"{key} at step {step}: {difference} of {largest}"
    for line, other in zip(numbers(one), numbers(two), strict=True):
        near = 1e-5 if line["step"] == 1 else 1e-4
        assert other == pytest.approx(line, rel=near, abs=near)


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_two_processes_with_one_image_each_train_as_one_with_two(
    launcher: Launcher, spec: Path, settings: list[str]
) -> None:
    one, two = run_both(launcher, spec, settings)
    check_alike(one, two)
    assert files(one) == files(two)


def test_a_loss_that_is_trained_learns_from_the_images_of_all(
    launcher: Launcher, spec: Path
) -> None:
    text = spec.read_text().replace("[losses.adversarial]\n[losses.cycle]\n", "")
    spec.write_text(text.replace('type = "cyclegan"\npool_size = 3', 'type = "cut"'))
    one, two = run_both(launcher, spec, CUT)
    assert any(key.startswith("training/loss/patch_nce") for key in saved(two, 1))
    check_alike(one, two)


LONG = given(
    "data.train=12", "train.batch_size=6", "train.epochs=20", "train.log_every=1",
    "train.checkpoint_every=15",
)  # fmt: skip
STEPS = 40


def has_trained(run: Path, steps: int) -> Callable[[], bool]:
    metrics = run / "metrics.jsonl"
    return lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= steps


def test_a_signal_to_one_of_them_saves_and_any_number_goes_on(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    plain = [*given(*PLAIN), *LONG]
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert launcher("run", spec, *plain, "--run-dir", whole, cwd=tmp_path).code == 0
    ranks = start_ranks(launcher, 3, "run", spec, *plain, "--run-dir", run, cwd=tmp_path)
    ranks[1].wait_until(has_trained(run, 3))
    ranks[1].send(signal.SIGTERM)
    one_message([rank.wait() for rank in ranks], 130, "stopped by SIGTERM. The run is saved in")
    step = last_step(run)
    assert 3 <= step < STEPS and len(numbers(run)) == step

    ranks = start_ranks(launcher, 2, "run", "--resume", run, cwd=tmp_path)
    ranks[0].wait_until(has_trained(run, step + 3))
    for rank in ranks:
        rank.send(signal.SIGTERM)
    one_message([rank.wait() for rank in ranks], 130, "torchrun ... -m gantrans run --resume")
    assert step + 3 <= last_step(run) < STEPS

    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    for line, other in zip(numbers(whole), numbers(run), strict=True):
        assert other == pytest.approx(line, rel=1e-3, abs=1e-3)


def test_the_death_of_one_ends_the_others_at_once_with_what_was_saved(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ranks = start_ranks(launcher, 3, "run", spec, *LONG, "--run-dir", run, cwd=tmp_path)
    ranks[1].wait_until(has_trained(run, 17))
    ranks[1].send(signal.SIGKILL)
    ended = [rank.wait() for rank in ranks]
    assert ended.pop(1).code == -signal.SIGKILL
    one_message(ended, 1, "another process of this run has ended. The run is saved in")
    last = checkpoint_folders(run / "checkpoints")[-1]
    checkpoint.load(last, torch.device("cpu"))  # whole: every digest is right


def test_what_torchrun_starts_is_saved_when_torchrun_is_stopped(spec: Path, tmp_path: Path) -> None:
    torchrun = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run"),  # which is what `torchrun` is
            *("--nproc-per-node=2", "-m", "gantrans", "run", "tiny.toml", "--run-dir", "run"),
            *LONG,
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GANTRANS_PLUGINS": "none"},
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = ""
    assert torchrun.stdout is not None
    while not said.startswith("step 3/"):
        said = torchrun.stdout.readline()
        assert said, torchrun.communicate()
    torchrun.send_signal(signal.SIGTERM)
    _, errors = torchrun.communicate(timeout=LIMIT)
    assert torchrun.returncode != 0
    assert len(re.findall("^stopped by SIGTERM. The run is saved in", errors, re.M)) == 1, errors
    assert last_step(tmp_path / "run") >= 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["train.batch_size=3"], "--set train.batch_size=4"),
        (["train.batch_size=2", "losses.cycle.wieght=1"], "did you mean 'weight'"),
    ],
    ids=["not divisible", "unknown key"],
)
def test_a_wrong_spec_is_told_once_and_nothing_is_written(
    launcher: Launcher, spec: Path, tmp_path: Path, settings: list[str], words: str
) -> None:
    ended = run_ranks(launcher, 2, "run", spec, *given(*settings), cwd=tmp_path)
    one_message(ended, 2, words)
    assert "rank" not in ended[0].err
    assert not (tmp_path / "runs").exists()


def own_pictures(spec: Path) -> Path:
    """The spec on files, 24 of two sizes, whose folder it gives."""
    from PIL import Image

    root = spec.parent / "photos"
    for shade, domain in enumerate(("trainA", "trainB", "testA", "testB")):
        (root / domain).mkdir(parents=True)
        for n in range(6):
            size = (16, 20 if domain[:4] == "test" and n == 4 else 16)
            picture = Image.new("RGB", size, (20 * n, 90, 60 * shade))
            picture.paste((200, 30 * n, 0), (2 * n, 3, 15, 9))
            picture.save(root / domain / f"{n}.png")
    text = spec.read_text()
    start, end = text.index("[data]"), text.index("[generator]")
    data = '[data]\ntype = "unpaired_folder"\nroot = "photos"\nworkers = 0\ncache_gib = 0\n'
    spec.write_text(text[:start] + data + text[end:])
    return root


def test_real_images_and_ways_back_are_those_of_all(launcher: Launcher, spec: Path) -> None:
    own_pictures(spec)
    one, two = run_both(launcher, spec, ["train.epochs=1"])
    [expected, found] = [json.loads((run / "summary.json").read_text()) for run in (one, two)]
    for direction in ("summer->winter", "winter->summer"):
        assert expected["metrics"][direction].keys() == {"swd", "cycle"}
        for name, score in expected["metrics"][direction].items():
            other = found["metrics"][direction][name]
            assert other["value"] == pytest.approx(score["value"], rel=1e-3), name
            assert other["baselines"] == pytest.approx(score["baselines"], rel=1e-3), name


@pytest.mark.parametrize(("split", "damaged"), [("train", 1), ("train", 4), ("test", 3)])
def test_an_image_that_one_of_them_cannot_read_is_told_once_and_the_rest_saved(
    launcher: Launcher, spec: Path, tmp_path: Path, split: str, damaged: int
) -> None:
    (own_pictures(spec) / f"{split}B" / f"{damaged}.png").write_bytes(b"no image")
    settings = given("train.batch_size=2", "train.evaluate_every=2", "metrics.sharpness={}")
    run = tmp_path / "run"
    plugin = tmp_path / "sharpness.py"
    plugin.write_text(METRIC)
    ended = run_ranks(
        launcher, 2, "run", spec, *settings, "--plugin", plugin, "--run-dir", run, cwd=tmp_path
    )
    one_message(ended, 1, f"{split}B/{damaged}.png")
    trained = len(numbers(run)) if (run / "metrics.jsonl").exists() else 0
    assert last_step(run) == trained


METRIC = '''
import gantrans

class Sharpness(gantrans.Metric):
    """Needs no truth."""
    name = "sharpness"
    higher_is_better = True
    needs_truth = False

    def update(self, translated):
        self.last = float(translated.fake.diff(dim=-1).abs().mean())

    def compute(self):
        return {"sharpness": self.last}
'''

LOSS = '''
import os
import gantrans

class Mine(gantrans.Loss):
    """Does what a test needs, on one rank."""
    name = "mine"
    requires = {"fake"}

    def generator(self, step):
        term = step.fake["a"].mean()
        return %s if os.environ["RANK"] == "1" else term
'''


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        ("term / 0", 1, "generators/mine became"),
        ("1 / 0", 2, "error: rank 1: the loss 'mine' of mine.py raises ZeroDivisionError"),
        ("os.abort()", None, "another process of this run has ended"),
    ],
    ids=["not finite", "a fault in a plugin", "a crash"],
)
def test_what_goes_wrong_on_one_of_them_alone_ends_all_with_one_message(
    launcher: Launcher, spec: Path, tmp_path: Path, code: str, exit_code: int | None, words: str
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(LOSS % code)
    settings = given("train.batch_size=2", "losses.mine={start = 3}")
    run = tmp_path / "run"
    ended = run_ranks(
        launcher, 2, "run", spec, *settings, "--plugin", plugin, "--run-dir", run, cwd=tmp_path
    )
    if exit_code is None:
        assert ended.pop().code == -signal.SIGABRT
    elif exit_code == 2:  # one tells its own error; the other ends because it is alone
        assert [rank.code for rank in ended] == [1, 2]
        assert ended[0].err == "" and len(ended[1].err.splitlines()) == 1
        assert words in ended[1].err, ended
        return
    one_message(ended, 1, words)
    assert f"--resume {run}" in ended[0].err
