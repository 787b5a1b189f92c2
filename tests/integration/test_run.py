"""`gantrans run`, its rehearsal and `show-batch`: what they write, and where."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import gantrans
from gantrans.api.image import to_image
from gantrans.inference.model_files import checkpoint_folders
from gantrans.plugin.manager import load_registry
from gantrans.spec.load import Source, load, validate
from gantrans.training.assemble import assemble
from gantrans.training.standing import digits
from processes import Launcher, given
from tiny_run import whole_sample

PLUGIN = """
import gantrans

class Brightness(gantrans.Loss):
    "Keeps the mean brightness."
    name = "brightness"
    requires = {"fake"}

    def generator(self, step):
        return (step.fake["a"].mean() - step.real["a"].mean()).abs()
"""
SETTINGS = [
    "train.sample_every=5",
    "train.evaluate_every=4",
    "train.keep_last=2",
    "losses.brightness={weight = 0.5}",
]


@pytest.fixture(scope="module")
def made(
    launcher: Launcher, tmp_path_factory: pytest.TempPathFactory, tiny: str
) -> tuple[Path, str]:
    """The folder of a run of 12 steps, and what was shown. Not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    # Windows' line ends, a comment and a letter beyond ASCII are part of "as given".
    (folder / "tiny.toml").write_bytes(f"# für mich\n{tiny}".replace("\n", "\r\n").encode())
    (folder / "brightness.py").write_text(PLUGIN)
    ended = launcher("run", "tiny.toml", "--plugin", "brightness.py", *given(*SETTINGS), cwd=folder)
    assert (ended.code, ended.err) == (0, "")
    return folder / "runs" / "tiny-001", ended.out


def test_a_run_directory_holds_what_the_design_says(made: tuple[Path, str]) -> None:
    run, _ = made
    assert sorted(path.name for path in run.parent.iterdir()) == ["tiny-001"]
    assert sorted(path.name for path in run.iterdir()) == [
        "batch.png", "checkpoints", "data.json", "health.jsonl", "images.json", "log.txt",
        "metrics.jsonl", "plugins", "report.html", "samples", "spec.resolved.json", "spec.toml",
        "summary.json",
    ]  # fmt: skip
    assert {file.name for file in (run / "checkpoints" / "step-00000012").iterdir()} == {
        "generator_ab.safetensors", "generator_ba.safetensors", "discriminator_a.safetensors",
        "discriminator_b.safetensors", "training.safetensors", "training.json",
    }  # fmt: skip


def test_the_spec_is_kept_as_given_and_with_every_default(made: tuple[Path, str]) -> None:
    run, _ = made
    given = run.parent.parent
    assert (run / "spec.toml").read_bytes() == (given / "tiny.toml").read_bytes()
    resolved = json.loads((run / "spec.resolved.json").read_text())
    plugin = run / "plugins" / "brightness.py"
    loaded = load(given / "tiny.toml", settings=SETTINGS, plugins=[plugin])
    again = validate(Source(resolved["spec"], "", given), load_registry([plugin]))
    assert again == loaded.run
    assert resolved["spec"]["optimizer"]["betas"] == [0.5, 0.999]  # a default
    assert resolved["spec"]["seed"] == 7
    assert resolved["gantrans"] == gantrans.__version__
    assert torch.__version__.startswith(resolved["packages"]["torch"])


def test_plugins_are_copied_with_their_digest(made: tuple[Path, str]) -> None:
    run, _ = made
    assert (run / "plugins" / "brightness.py").read_text() == PLUGIN
    digest = hashlib.sha256(PLUGIN.encode()).hexdigest()
    resolved = json.loads((run / "spec.resolved.json").read_text())
    assert resolved["plugin_files"] == {"brightness.py": digest}
    assert {"name": "brightness.py", "sha256": digest} in resolved["plugins"]


def test_cadences_and_keep_last_are_kept(made: tuple[Path, str]) -> None:
    run, _ = made
    samples = sorted((run / "samples").iterdir())
    assert [file.name for file in samples] == [f"step-000000{n}.png" for n in ("05", "10", "12")]
    for file in samples:
        with Image.open(file) as picture:
            picture.load()
    best = (run / "checkpoints" / "best").read_text().strip()
    kept = {folder.name for folder in checkpoint_folders(run / "checkpoints")}
    assert kept == {"step-00000010", "step-00000012", best}
    assert (run / "checkpoints" / "latest").read_text() == "step-00000012\n"

    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    trained = [line for line in lines if "generators/cycle/summer" in line]
    measured = [line for line in lines if "metrics/psnr/summer->winter" in line]
    assert [line["step"] for line in trained] == list(range(1, 13))
    assert [line["step"] for line in measured] == [4, 8, 12]
    assert {"generators/brightness", "images_per_second", "waiting"} < trained[0].keys()


def test_the_best_is_the_one_with_the_highest_psnr(made: tuple[Path, str]) -> None:
    run, _ = made
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    psnr = {
        line["step"]: line["metrics/psnr/summer->winter"] + line["metrics/psnr/winter->summer"]
        for line in lines
        if "metrics/psnr/summer->winter" in line
    }
    best = max(psnr, key=lambda step: psnr[step])
    assert (run / "checkpoints" / "best").read_text() == f"step-{best:08d}\n"


def test_the_summary_says_how_good_it_is_beside_the_baselines(made: tuple[Path, str]) -> None:
    run, shown = made
    summary = json.loads((run / "summary.json").read_text())
    assert summary.keys() == {
        "steps", "seconds", "metrics", "best_by", "best", "best_step", "stopped",
    }  # fmt: skip
    assert summary["best"] | {"value": 0} == {
        "step": summary["best_step"], "value": 0, "metric": summary["best_by"],
    }  # fmt: skip
    assert summary["best_by"] == "psnr" and summary["stopped"] is None
    assert summary["steps"] == 12 and summary["seconds"] > 0
    assert summary["metrics"].keys() == {"summer->winter", "winter->summer"}
    psnr = summary["metrics"]["summer->winter"]["psnr"]
    assert psnr.keys() == {"value", "baselines"}
    assert psnr["baselines"].keys() == {"input_unchanged", "mean_image"}

    last = shown.splitlines()[-7:]
    assert last[0].startswith("done: 12 steps in ")
    strongest = max(psnr["baselines"].values())
    gain = psnr["value"] - strongest
    word = "better" if gain > 0 else "worse"
    start = (
        f"summer to winter: PSNR {psnr['value']:.2f} dB, {digits(abs(gain))} dB {word} than the "
    )
    assert last[1].startswith(start) and f"({strongest:.2f})" in last[1]
    assert last[3] == "pictures: runs/tiny-001/samples/step-00000012.png"
    assert (run.parent.parent / last[3].removeprefix("pictures: ")).is_file()
    assert "gantrans translate runs/tiny-001" in last[4]
    assert last[5].startswith("verdict: Too early to say: 12 steps are few")
    assert last[6] == "report: runs/tiny-001/report.html"


def test_a_pipe_gets_plain_lines_and_the_log_keeps_them(made: tuple[Path, str]) -> None:
    run, shown = made
    assert "\x1b" not in shown and "\r" not in shown
    assert re.search(r"^step 3/12  epoch 1/2  [\d.]+ images/s  waiting for data \d+%  "
                     r"memory [\d,]+ MiB  left 0:0\d  "
                     r"(best psnr [\d.]+ at step \d  )?"
                     r"generators/adversarial/summer->winter: ", shown, re.MULTILINE)  # fmt: skip
    log = [line.split("  ", 1)[1] for line in (run / "log.txt").read_text().splitlines()]
    assert "tiny: summer <-> winter, cyclegan, on cpu, 1 threads" in log
    assert [line for line in shown.splitlines() if not line.startswith("step ")] == [
        line for line in log if not line.startswith("step ")
    ]


def test_runs_are_numbered(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "tiny-007").mkdir(parents=True)
    (tmp_path / "runs" / "other-009").mkdir()
    settings = ["--set", "train.epochs=1", "--set", "data.train=1"]
    for _ in range(2):
        assert launcher("run", spec, *settings, cwd=tmp_path).code == 0
    names = ["other-009", "tiny-007", "tiny-008", "tiny-009"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == names


def test_an_empty_run_directory_is_taken(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    settings = ["--set", "train.epochs=1", "--set", "data.train=1"]
    ended = launcher("run", spec, *settings, "--run-dir", ".", cwd=tmp_path / "here")
    assert ended.code == 0, ended
    assert (tmp_path / "here" / "summary.json").is_file()


def test_a_terminal_gets_a_display(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = launcher.start("run", spec, "--run-dir", "run", cwd=tmp_path, tty=os.ttyname(theirs))
    screen = b""
    while b"gantrans translate" not in screen:
        screen += os.read(ours, 65536)
    assert process.wait().code == 0
    os.close(theirs)
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())
    for part in ("epoch 2/2", "step 12/12", "images/s", "waiting for data", "left 0:00",
                 "generators/cycle/summer", "discriminators/adversarial/winter"):  # fmt: skip
        assert part in text
    assert screen.rindex(b"\x1b[?25h") > screen.rindex(b"\x1b[?25l")  # the cursor is shown again


# --- the rehearsal


def listing(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("settings", [[], ["train.accumulate=3", "train.ema=0.9"]])
def test_a_dry_run_tells_the_cost_and_writes_nothing(
    launcher: Launcher, spec: Path, tmp_path: Path, settings: list[str]
) -> None:
    before = listing(tmp_path)
    ended = launcher("run", spec, "--dry-run", *given(*settings), cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert listing(tmp_path) == before

    loaded = load(spec)
    generator = loaded.run.generator.build(in_channels=3, out_channels=3)
    discriminator = loaded.run.discriminator.build(in_channels=3)
    counts = [sum(w.numel() for w in n.parameters()) for n in (generator, discriminator)]
    assert re.search(rf"^parameters +{2 * sum(counts):,}$", ended.out, re.MULTILINE)
    assert re.search(rf"generator_ab +{counts[0]:,}$", ended.out, re.MULTILINE)
    assert re.search(r"^peak memory: [\d,]+ MiB", ended.out, re.MULTILINE)
    assert re.search(r"^largest batch: (about \d+|\d+ or more|not known)", ended.out, re.MULTILINE)
    steps = 4 if settings else 12
    assert re.search(rf"a step takes [\d.]+ s: about 0:0\d for {steps} steps", ended.out)


def test_a_dry_run_has_no_run_to_resume(launcher: Launcher, tmp_path: Path) -> None:
    ended = launcher("run", "--dry-run", "--resume", "x", cwd=tmp_path)
    assert ended.code == 2 and "--dry-run" in ended.err


# --- show-batch


def test_show_batch_draws_exactly_what_training_sees(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    size = ["--set", "data.size=130", "--set", "data.transform.crop=128"]
    out = tmp_path / "grid.png"
    ended = launcher("show-batch", spec, *size, "--count", 3, "--out", out, cwd=tmp_path)
    assert ended.code == 0, ended
    settings = ["data.size=130", "data.transform.crop=128"]
    job = assemble(load(spec, settings=settings), torch.device("cpu"))
    with Image.open(out) as picture:
        page = picture.convert("RGB")
    places = []
    for number in range(3):
        for domain, tensor in whole_sample(job, number)[0].items():
            places.append((domain, *find(page, to_image(tensor))))
    # A row for each domain, the samples of a run in their order from left to right.
    for domain in ("a", "b"):
        row = [(y, x) for d, x, y in places if d == domain]
        assert len({y for y, _ in row}) == 1 and row == sorted(row)
    assert places[0][2] < places[1][2]


def find(page: Image.Image, image: Image.Image) -> tuple[int, int]:
    """Where the image stands on the page, pixel for pixel; it stands there once."""
    wide, high = image.size
    wanted = image.tobytes()
    corner = image.getpixel((0, 0))
    found = [
        (x, y)
        for y in range(page.height - high + 1)
        for x in range(page.width - wide + 1)
        if page.getpixel((x, y)) == corner
        and page.crop((x, y, x + wide, y + high)).tobytes() == wanted
    ]
    assert len(found) == 1
    return found[0]


def test_show_batch_does_not_overwrite(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    out.write_text("mine")
    ended = launcher("show-batch", spec, "--out", out, cwd=tmp_path)
    assert ended.code == 2 and "--overwrite" in ended.err
    assert out.read_text() == "mine"
    assert launcher("show-batch", spec, "--out", out, "--overwrite", cwd=tmp_path).code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.png", "tiny.toml"]


def test_show_batch_says_at_once_that_its_picture_cannot_be_written(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    ended = launcher("show-batch", spec, "--out", "no/grid.png", cwd=tmp_path)
    assert ended.code == 2 and "cannot write no/grid.png: there is no folder no" in ended.err
    ended = launcher("show-batch", spec, "--out", ".", "--overwrite", cwd=tmp_path)
    assert ended.code == 2 and ". is a folder" in ended.err


# --- from Python


def test_a_run_from_python_gives_a_typed_result(
    tmp_path: Path, spec: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    table: dict[str, Any] = {
        "name": "tiny",
        "data": {"type": "seasons", "size": 16, "train": 2, "test": 1, "workers": 0},
        "generator": {"type": "resnet", "width": 2, "blocks": 0},
        "discriminator": {"type": "patchgan", "width": 2, "layers": 1},
        "losses": {"adversarial": {}, "cycle": {}},
        "train": {"epochs": 1, "samples": 1},
    }
    monkeypatch.chdir(tmp_path)
    result = gantrans.run(table)
    assert isinstance(result, gantrans.RunResult)
    assert (result.path, result.steps) == (Path("runs/tiny-001"), 2)
    assert result.seconds > 0
    summary = json.loads((result.path / "summary.json").read_text())
    assert result.metrics == summary["metrics"]
    assert result.metrics["a->b"]["psnr"]["value"] > 0
    assert not (result.path / "spec.toml").exists()  # there was no file

    longer = gantrans.run(resume=result.path, settings=["train.epochs=2"])
    assert (longer.path, longer.steps) == (result.path, 4)
    assert capfd.readouterr().out == ""

    other = gantrans.run(spec, run_dir=tmp_path / "from-file", settings=["train.epochs=1"])
    assert other.steps == 6
    files = [other.path / "checkpoints" / "step-00000006" / "generator_ab.safetensors"]
    assert all(load_file(file) for file in files)
    with pytest.raises(gantrans.GantransError, match="not empty"):
        gantrans.run(spec, run_dir=other.path)
