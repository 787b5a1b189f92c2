from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from equal_runs import contents, curves
from gantrans.builtins.datasets.seasons import DrawnScenes
from gantrans.errors import DataError, NonFiniteError, SpecError
from gantrans.inference.model_files import checkpoint_folders
from gantrans.training.evaluate import Evaluation
from gantrans.training.samples import SampleImages
from gantrans.training.session import run
from tiny_run import tiny_spec

PLUGIN = '''
import json
import gantrans
from gantrans.errors import DataError

class Faulty(gantrans.Tracker):
    """Fails when it is asked to."""
    name = "faulty"

    class Config(gantrans.TrackerConfig):
        fails_at: str = "scalars"

    def __init__(self, config, *, run_dir, start_step):
        super().__init__(config, run_dir=run_dir, start_step=start_step)
        self.calls = run_dir / "calls.json"
        self._note("init")

    def _note(self, call):
        calls = json.loads(self.calls.read_text()) if self.calls.exists() else []
        self.calls.write_text(json.dumps([*calls, call]))
        if call == self.config.fails_at:
            raise ConnectionError("the server refused")

    def scalars(self, step, values):
        self._note("scalars")

    def images(self, step, name, image):
        self._note("images")

    def close(self):
        self._note("close")

class Unfit(gantrans.Loss):
    """Cannot use the images from the second step on, and says so after the generators' turn."""
    name = "unfit"
    requires = {"fake"}

    class Config(gantrans.LossConfig):
        start: int = 2

    def discriminator(self, step):
        raise DataError("images that do not go together")

class Explodes(gantrans.Loss):
    """Is not a number from the fifth call on."""
    name = "explodes"
    requires = {"fake"}

    def __init__(self, config):
        super().__init__(config)
        self.calls = 0

    def generator(self, step):
        self.calls += 1
        return step.fake["b"].mean() * (float("nan") if self.calls >= 5 else 1.0)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "plugin.py"
    file.write_text(PLUGIN)
    return str(file)


def trained(folder: Path, **changes: Any) -> Path:
    train = {"epochs": 1, "log_every": 2, "sample_every": 3, **changes.pop("train", {})}
    spec = tiny_spec(train=train, **changes)
    return run(spec, run_dir=folder / "run", device="cpu").path


@pytest.mark.parametrize(
    ("fails_at", "calls"),
    [
        ("scalars", ["init", "scalars"]),
        ("images", ["init", "scalars", "images"]),
        ("close", None),
        ("init", ["init"]),
    ],
)
def test_a_tracker_that_raises_is_dropped_and_training_goes_on(
    tmp_path: Path, plugin: str, fails_at: str, calls: list[str] | None
) -> None:
    path = trained(
        tmp_path,
        plugins=[plugin],
        trackers={"mine": {"type": "faulty", "fails_at": fails_at}, "jsonl": {}},
    )
    assert json.loads((path / "summary.json").read_text())["steps"] == 6
    said = (path / "log.txt").read_text()
    assert said.count("the tracker 'mine' failed and is dropped") == 1
    assert "ConnectionError: the server refused" in said
    if calls is not None:
        assert json.loads((path / "calls.json").read_text()) == calls
    lines = (path / "metrics.jsonl").read_text().splitlines()  # the other one heard everything
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6, 6]


@pytest.mark.parametrize("log_every", [2, 100])  # noticed at a log line, or before it is saved
def test_a_term_that_is_not_a_number_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, plugin: str, log_every: int
) -> None:
    with pytest.raises(NonFiniteError) as caught:
        trained(
            tmp_path,
            plugins=[plugin],
            losses={"explodes": {}},
            train={"checkpoint_every": 2, "log_every": log_every, "epochs": 2},
        )
    said = str(caught.value)
    assert "generators/explodes became nan at step 5, on train-" in said
    assert "step-00000004" in said
    assert f"gantrans run --resume {tmp_path / 'run'}" in said
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert "step-00000004" in kept
    assert not any("00000005" in name or "00000006" in name for name in kept)
    assert (tmp_path / "run" / "checkpoints" / "latest").read_text().strip() == "step-00000004"


def test_what_is_due_comes_at_its_cadence_and_all_of_it_at_the_end(tmp_path: Path) -> None:
    path = trained(
        tmp_path,
        train={
            "epochs": 2,
            "log_every": 5,
            "sample_every": 4,
            "evaluate_every": 6,
            "keep_last": 9,
            "checkpoint_every": 5,
        },
    )
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "waiting" in line] == [5, 10, 12]
    assert [line["step"] for line in lines if "metrics/psnr/a->b" in line] == [6, 12]
    samples = sorted(file.name for file in (path / "samples").iterdir())
    assert samples == [f"step-{step:08d}.png" for step in (4, 8, 12)]
    whole = {file.name for file in (path / "checkpoints").glob("step-*")}
    # and at every evaluation that is the best so far, which the first one is
    assert {f"step-{step:08d}" for step in (5, 6, 10, 12)} == whole


def rates(path: Path) -> dict[int, float]:
    """The learning rate of each step, as recorded."""
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["learning_rate"] for line in lines if "learning_rate" in line}


def test_the_rate_falls_on_a_plateau_and_a_resumed_run_remembers_how_long_it_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = {"value": 8.0, "baselines": {}}
    same = {"summer->winter": {"psnr": score}}  # after the first, no new best
    monkeypatch.setattr(Evaluation, "measure", lambda *_: same)
    train = {
        "decay": "plateau",
        "decay_patience": 2,
        "decay_factor": 0.5,
        "warmup": 2,
        "log_every": 1,
        "evaluate_every": 1,
        "checkpoint_every": 3,
    }
    share = [0.5, 1, 1, 0.5, 0.5, 0.25]  # evaluated after each: best, 1, 2 (falls), 1, 2 (falls), 1
    whole = trained(tmp_path / "whole", train=train)
    assert list(rates(whole).values()) == pytest.approx([2e-4 * s for s in share])

    cut = trained(tmp_path / "cut", train={**train, "keep_last": 9})
    (cut / "summary.json").unlink()
    run(resume=cut / "checkpoints" / "step-00000003", device="cpu")
    assert rates(cut) == rates(whole)


def test_a_plateau_without_anything_to_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"train.decay: a plateau is one of a metric.* there is none"
    ):
        trained(tmp_path, train={"decay": "plateau"}, metrics={})
    assert not (tmp_path / "run").exists()


def test_half_a_step_is_never_saved(tmp_path: Path, plugin: str) -> None:
    """The generators are ahead of the discriminators when a loss of the latter fails."""
    with pytest.raises(DataError, match=r"do not go together\. Nothing was saved yet\."):
        trained(tmp_path, plugins=[plugin], losses={"unfit": {}}, train={"checkpoint_every": 0})
    assert not list((tmp_path / "run" / "checkpoints").glob("step-*"))


EVERY_OTHER = {
    "decay": "plateau",
    "decay_patience": 1,
    "log_every": 3,
    "sample_every": 3,
    "evaluate_every": 2,
    "checkpoint_every": 2,
    "keep_last": 9,
}


def fail_once(patch: pytest.MonkeyPatch, owner: type, method: str, call: int) -> None:
    """Have the so manieth call of a method find an image that cannot be used."""
    real, calls = getattr(owner, method), 0

    def guarded(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise DataError("cannot read the image x.png")
        return real(*arguments)

    patch.setattr(owner, method, guarded)


def assert_equal_runs(cut: Path, whole: Path) -> None:
    assert contents(cut) == contents(whole)
    assert curves(cut) == curves(whole)
    summaries = [json.loads((path / "summary.json").read_text()) for path in (cut, whole)]
    assert summaries[0]["metrics"]
    assert {**summaries[0], "seconds": 0} == {**summaries[1], "seconds": 0}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps that nothing interrupts."""
    return trained(tmp_path_factory.mktemp("whole"), train=EVERY_OTHER)


@pytest.mark.parametrize(
    ("owner", "method", "call", "step"),
    [
        (Evaluation, "measure", 2, 4),
        (Evaluation, "measure", 3, 6),  # the last step
        (SampleImages, "picture", 2, 6),
    ],
)
def test_what_failed_at_the_saved_step_is_done_by_the_resumed_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: Path,
    owner: type,
    method: str,
    call: int,
    step: int,
) -> None:
    fail_once(monkeypatch, owner, method, call)
    with pytest.raises(DataError):
        trained(tmp_path, train=EVERY_OTHER)
    cut = tmp_path / "run"
    assert checkpoint_folders(cut / "checkpoints")[-1].name == f"step-{step:08d}"
    run(resume=cut, device="cpu")
    assert_equal_runs(cut, whole)


def test_a_run_may_stop_early_by_an_evaluation_that_failed_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = {"value": 8.0, "baselines": {}}
    same = {"summer->winter": {"psnr": score}}  # after the first, no new best
    monkeypatch.setattr(Evaluation, "measure", lambda *_: same)
    train = {**EVERY_OTHER, "stop_after": 1, "log_every": 2}
    whole = trained(tmp_path / "whole", train=train)
    assert json.loads((whole / "summary.json").read_text())["steps"] == 4

    fail_once(monkeypatch, Evaluation, "measure", 2)
    with pytest.raises(DataError):
        trained(tmp_path / "cut", train=train)
    run(resume=tmp_path / "cut" / "run", device="cpu")
    assert_equal_runs(tmp_path / "cut" / "run", whole)


def test_evaluations_do_not_decode_the_test_images_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRANS_CACHE", str(tmp_path / "cache"))
    decoded = Counter[str]()
    image = DrawnScenes.image

    def noted(scenes: DrawnScenes, index: int) -> Any:
        decoded[f"{scenes.season} {scenes.label(index)}"] += 1
        return image(scenes, index)

    monkeypatch.setattr(DrawnScenes, "image", noted)
    trained(tmp_path, train={"evaluate_every": 1, "sample_every": 0}, metrics={"l1": {}})
    # For the check, the cache's estimate, the cache, samples and health; six evaluations use each
    # image twice.
    assert decoded["summer test-0000"] <= 5 and decoded["winter test-0001"] <= 5


def test_a_resumed_run_has_the_baselines_of_an_uninterrupted_one(tmp_path: Path) -> None:
    train = {"checkpoint_every": 3, "keep_last": 9, "sample_every": 0}
    path = trained(tmp_path, train=train, metrics={"l1": {}})
    whole = json.loads((path / "summary.json").read_text())["metrics"]
    (path / "summary.json").unlink()
    assert run(resume=path / "checkpoints" / "step-00000003", device="cpu").metrics == whole
    for scores in whole.values():
        assert scores["l1"]["baselines"].keys() == {"input_unchanged", "mean_image"}
