"""`gantrans bench`: what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from processes import Launcher

SPEC = """
name = "tiny"

[data]
type = "seasons"
size = 32
train = 4
test = 0
workers = 0

[generator]
type = "resnet"
width = 4
blocks = 1

[discriminator]
type = "patchgan"
width = 4
layers = 2

[losses]
adversarial = {}
cycle = {}

[train]
batch_size = 2
epochs = 1
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def test_the_report_has_every_part_and_nothing_is_written(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    ended = launcher("bench", spec, "--steps", "1", "--device", "cpu", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]

    first, *lines = ended.out.splitlines()
    assert re.match(r"tiny: .+ threads, torch \d", first)
    for pattern in (
        r"  speed +[\d.]+ images/s, [\d.]+ s a step",
        r"  waiting for data +[\d.]+% of the time",
        r"  peak memory +[\d,]+ MiB of this process",
        r"  arithmetic +[\d.]+ TFLOP a step: [\d.]+ TFLOP/s",
        r"  convolutions +[\d.]+% +[\d.]+ ms",
        r"  generators +[\d.]+% +[\d.]+ ms",
        r'  train.precision = "bf16" +[\d.]+ +[\d.]+x',
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
    shares = [float(found) for found in re.findall(r" ([\d.]+)% +[\d.]+ ms", ended.out)]
    assert sum(shares) == pytest.approx(200, abs=0.6)  # by kind of work, and by phase
    assert lines[-1]  # advice
    assert "trying" in ended.err and "trying" not in ended.out


def test_json_has_every_number_and_nothing_beside_it(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    ended = launcher(
        *("bench", spec, "--json", "--steps", "1", "--device", "cpu"),
        *("--set", "train.batch_size=4"),
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert report["format_version"] == 1
    assert report["images"] == 8  # four of each domain
    throughput = report["throughput"]
    assert report["images_per_second"] == pytest.approx(8 / throughput["seconds"])
    assert report["teraflops"] == pytest.approx(report["operations"] / throughput["seconds"] / 1e12)
    for parts in (report["work"], report["phases"]):
        assert sum(part["share"] for part in parts) == pytest.approx(1)
    tried = {trial["setting"]: trial for trial in report["trials"]}
    bf16 = tried['train.precision = "bf16"']
    assert bf16["times_as_fast"] == pytest.approx(bf16["before"] / bf16["seconds"])
    assert report["peak"] > 0 and report["advice"] and report["machine"] and report["torch"]


def test_a_wrong_spec_is_told_as_everywhere(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    ended = launcher("bench", spec, "--set", "train.batch_sice=2", cwd=tmp_path)
    assert ended.code == 2
    assert "did you mean 'batch_size'?" in ended.err
