"""`train.stop_after` and its companions: which checkpoints are kept, and when a run ends for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from equal_runs import contents, curves
from gantrans.errors import UsageError
from gantrans.inference.model_files import checkpoint_folders, pointed
from gantrans.training.choice import Choice
from gantrans.training.evaluate import Score, Scores
from gantrans.training.session import run
from processes import Launcher, given
from rank_processes import run_ranks
from tiny_run import tiny_spec

STEPS = 12
VALUES = [9.0, 5.0, 6.0, 4.0, 4.5, 4.0, 7.0, 3.0, 8.0, 8.0, 8.0, 2.0]
"""Of swd after each step: it improves at 1, 2, 4, 8 and 12."""
EVERY_STEP = {"evaluate_every": 1, "checkpoint_every": 2, "sample_every": 5, "log_every": 5}


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric is what VALUES say."""
    evaluated = Choice.evaluated

    def instead(self: Choice, step: int, scores: Scores) -> bool:
        assert self.metric in scores["a->b"]
        score: Score = {"value": VALUES[step - 1], "baselines": {}}
        return evaluated(self, step, {"a->b": {"swd": score}})

    monkeypatch.setattr(Choice, "evaluated", instead)


def trained(path: Path, **train: Any) -> Path:
    spec = tiny_spec(train={**EVERY_STEP, "best_by": "swd", **train})
    assert run(spec, run_dir=path, device="cpu").path == path
    return path


def steps(path: Path) -> list[int]:
    return [int(folder.name[5:]) for folder in checkpoint_folders(path / "checkpoints")]


def summary(path: Path) -> Any:
    return json.loads((path / "summary.json").read_text())


@pytest.mark.usefixtures("scripted")
def test_a_run_that_gets_no_better_ends_as_a_finished_one_does(tmp_path: Path) -> None:
    path = trained(tmp_path / "run", stop_after=3)
    why = "no better swd in 3 evaluations: the best was 4.00 at step 4"
    found = summary(path)
    assert found["steps"] == 7
    assert (found["best_by"], found["stopped"], found["best_step"]) == ("swd", why, 4)
    assert found["best"] == {"step": 4, "value": 4.0, "metric": "swd"}
    assert (path / "samples" / "step-00000007.png").exists()
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "learning_rate" in line] == [5, 7]
    assert [line["step"] for line in lines if "metrics/swd/a->b" in line] == list(range(1, 8))
    checkpoints = path / "checkpoints"
    latest, best = pointed(checkpoints, "latest"), pointed(checkpoints, "best")
    assert latest == checkpoints / "step-00000007" and best == checkpoints / "step-00000004"
    said = (path / "log.txt").read_text()
    assert f"the run ends at step 7: {why}" in said
    assert "done early: 7 of 12 steps" in said and "step 4 was better" in said


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(("stop_after", "end"), [(0, 12), (4, 12), (2, 6), (1, 3)])
def test_as_many_evaluations_are_waited_for_as_the_spec_says(
    tmp_path: Path, stop_after: int, end: int
) -> None:
    path = trained(tmp_path / "run", stop_after=stop_after)
    assert summary(path)["steps"] == end
    assert (summary(path)["stopped"] is None) == (end == STEPS)


@pytest.mark.usefixtures("scripted")
def test_an_end_at_the_last_step_is_not_early(tmp_path: Path) -> None:
    path = trained(tmp_path / "run", stop_after=3, evaluate_every=4, epochs=1)  # at 4 and 6
    assert summary(path)["stopped"] is None
    path = trained(tmp_path / "other", stop_after=3, epochs=1)
    assert summary(path)["steps"] == 6 and summary(path)["stopped"] is None


@pytest.mark.usefixtures("scripted")
def test_the_rate_is_that_of_a_run_which_ends_later(tmp_path: Path) -> None:
    def rates(path: Path) -> list[float]:
        lines = map(json.loads, (path / "metrics.jsonl").read_text().splitlines())
        return [line["learning_rate"] for line in lines if "learning_rate" in line]

    settings = {"log_every": 1, "decay": "cosine"}
    early = rates(trained(tmp_path / "early", stop_after=3, **settings))
    whole = rates(trained(tmp_path / "whole", **settings))
    assert len(early) == 7 and early == whole[:7]


@pytest.mark.usefixtures("scripted")
def test_the_newest_the_best_and_the_regular_checkpoints_are_kept(tmp_path: Path) -> None:
    path = trained(tmp_path / "run", keep_last=1, keep_best=3, keep_every=6)
    # The best are those of step 12, 8, and 4 rather than its equal 6, which is regular.
    assert steps(path) == [4, 6, 8, 12]
    path = trained(tmp_path / "one", keep_last=2)
    assert steps(path) == [10, 12]


@pytest.mark.usefixtures("scripted")
def test_resuming_one_that_stopped_says_so_and_goes_on_if_it_may(tmp_path: Path) -> None:
    path = trained(tmp_path / "run", stop_after=3)
    with pytest.raises(UsageError) as error:
        run(resume=path, device="cpu")
    said = str(error.value)
    assert "stopped early, at step 7 of 12: no better swd in 3 evaluations" in said
    assert "--set train.stop_after=N" in said and "train.stop_after=0" in said
    assert summary(path)["steps"] == 7

    raised = Path(shutil.copytree(path, tmp_path / "raised"))
    run(resume=raised, settings=["train.stop_after=4"], device="cpu")
    assert summary(raised)["steps"] == 12
    run(resume=path, settings=["train.stop_after=0"], device="cpu")
    whole = trained(tmp_path / "whole")
    for other in (path, raised):
        assert weights(other) == weights(whole)
        assert (summary(other)["best_step"], summary(other)["stopped"]) == (12, None)


def weights(path: Path) -> dict[str, bytes]:
    folder = path / "checkpoints" / "step-00000012"
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.safetensors"))}


@pytest.mark.usefixtures("scripted")
def test_one_that_was_killed_before_its_summary_ends_without_another_step(tmp_path: Path) -> None:
    path = trained(tmp_path / "run", stop_after=3)
    before = summary(path)
    (path / "summary.json").unlink()
    assert run(resume=path, device="cpu").steps == 7
    assert {**summary(path), "seconds": None} == {**before, "seconds": None}


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("cut", range(1, 7))
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(tmp_path: Path, cut: int) -> None:
    settings = {"stop_after": 3, "keep_best": 2, "checkpoint_every": 1, "keep_last": 99}
    whole = trained(tmp_path / "whole", **settings)
    path = Path(shutil.copytree(whole, tmp_path / "cut"))
    for folder in checkpoint_folders(path / "checkpoints")[cut:]:
        shutil.rmtree(folder)
    (path / "summary.json").unlink()
    run(resume=path, device="cpu")
    assert contents(path) == contents(whole)
    assert curves(path) == curves(whole)
    assert {**summary(path), "seconds": None} == {**summary(whole), "seconds": None}


# Weights that do not move: nothing gets better after the first evaluation.
STILL = ["optimizer.lr=1e-30", "train.epochs=9", "train.evaluate_every=4", "train.stop_after=3",
         "train.best_by='l1'", "train.checkpoint_every=3", "train.batch_size=2"]  # fmt: skip


def test_all_ranks_stop_at_the_same_step(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    wanted = ["run", spec, *given(*STILL), "--run-dir"]
    ended = launcher(*wanted, one, cwd=tmp_path)
    assert ended.code == 0, ended
    ranks = run_ranks(launcher, 2, *wanted, two, cwd=tmp_path)
    assert [rank.code for rank in ranks] == [0, 0], ranks
    assert "the run ends at step 16" in ended.out
    assert "the run ends at step 16" in ranks[0].out
    assert steps(two) == steps(one) and steps(one)[-1] == 16
    for path in (one, two):
        assert summary(path)["stopped"].startswith("no better l1 in 3 evaluations")
    assert "stopped early" in launcher("run", "--resume", one, cwd=tmp_path).complaint(2)
