from __future__ import annotations

import json
import random
from typing import Any

import pytest

from gantrans.spec.load import load
from gantrans.training.choice import Choice, first_usable
from tiny_run import tiny_job, tiny_spec


def choice(metrics: list[str] | None = None, paired: bool = True, **train: Any) -> Choice:
    changes: dict[str, Any] = {} if metrics is None else {"metrics": {key: {} for key in metrics}}
    spec = load(tiny_spec(train=train, **changes)).run
    return Choice(spec, spec.measurable(paired, both_ways=True))


def scores(**values: float) -> Any:
    return {"a->b": {m: {"value": value, "baselines": {}} for m, value in values.items()}}


def follow(chosen: Choice, values: list[float], metric: str = "swd") -> list[bool]:
    return [chosen.evaluated(n + 1, scores(**{metric: value})) for n, value in enumerate(values)]


def test_it_follows_the_mean_over_the_directions() -> None:
    chosen = choice()
    found: Any = {
        "summer->winter": {
            "psnr": {"value": 10.0, "baselines": {"input_unchanged": 8.0, "mean_image": 9.0}},
            "ssim": {"value": 0.9, "baselines": {}},
        },
        "winter->summer": {
            "psnr": {"value": 13.0, "baselines": {"input_unchanged": 7.0, "mean_image": 12.0}},
            "ssim": {"value": 0.1, "baselines": {}},
        },
    }
    assert chosen.evaluated(5, found)
    assert chosen.best == {"step": 5, "value": 11.5, "metric": "psnr"}
    shown = chosen.measured()
    assert shown is not None
    assert (shown.metric, shown.step, shown.value) == ("psnr", 5, 11.5)
    assert shown.baseline == ("mean_image", 10.5)  # the stronger of both
    assert (shown.best, shown.best_step) == (11.5, 5)
    del found["summer->winter"]["psnr"]["baselines"]["mean_image"]
    chosen.evaluated(6, found)
    again = chosen.measured()
    assert again is not None and again.baseline == ("input_unchanged", 7.5)  # known of both ways


@pytest.mark.parametrize(
    ("metrics", "paired", "chosen"),
    [
        (None, True, "psnr"),
        (None, False, "swd"),  # pairs are what psnr, ssim and l1 need
        (["psnr", "cycle"], False, None),  # of the way back, the unchanged input is best
        (["cycle"], True, None),
        (["cycle", "swd"], True, "swd"),
        ([], True, None),
    ],
)
def test_the_first_metric_that_the_data_allow_chooses_but_never_the_way_back(
    metrics: list[str] | None, paired: bool, chosen: str | None
) -> None:
    assert choice(metrics, paired).metric == chosen


def test_best_by_names_another() -> None:
    assert choice(best_by="l1").metric == "l1"


@pytest.mark.parametrize(("metric", "best"), [("swd", 2), ("l1", 2), ("psnr", 3), ("ssim", 3)])
def test_each_metric_knows_which_way_is_up(metric: str, best: int) -> None:
    chosen = choice(best_by=metric)
    follow(chosen, [5.0, 3.0, 7.0], metric)
    assert chosen.best is not None and chosen.best["step"] == best


def test_only_something_better_is_an_improvement() -> None:
    chosen = choice(best_by="swd", stop_after=3)
    waited = []
    for step, value in enumerate([9.0, 9.0, 8.0, 8.5, float("nan"), float("inf")]):
        chosen.evaluated(step, scores(swd=value))
        waited.append((chosen.waited, chosen.stopped))
    assert waited == [(0, False), (1, False), (0, False), (1, False), (2, False), (3, True)]
    assert chosen.why_stopped() == "no better swd in 3 evaluations: the best was 8.00 at step 2"


def test_numbers_that_are_none_cannot_be_the_best() -> None:
    chosen = choice(best_by="swd", stop_after=2)
    assert follow(chosen, [float("nan"), float("nan")]) == [False, False]
    assert chosen.best is None
    assert chosen.why_stopped() == "no better swd in 2 evaluations: none was finite"
    assert chosen.evaluated(3, scores(swd=4.0))
    assert chosen.waited == 0 and chosen.why_stopped() is None


def test_without_stop_after_it_never_stops() -> None:
    chosen = choice(best_by="swd")
    follow(chosen, [1.0] * 1000)
    assert chosen.waited == 999 and not chosen.stopped


def test_the_best_few_are_those_of_sorting_all_values() -> None:
    """Against a second, plain way to find them; of equals the earlier counts."""
    draw = random.Random(3)
    values = [float(draw.randint(0, 20)) for _ in range(60)]
    chosen = choice(best_by="swd", keep_best=4)
    for step, value in enumerate(values):
        kept = chosen.evaluated(step, scores(swd=value))
        seen = sorted((v, s) for s, v in enumerate(values[: step + 1]))[:4]
        assert [(one["value"], one["step"]) for one in chosen.ranking] == seen
        assert kept == (step in [s for _, s in seen])


def test_what_is_saved_as_json_goes_on_as_if_nothing_had_happened() -> None:
    values = [5.0, 4.0, 4.5, 6.0, 4.2, 3.9, 7.0, 7.0, 7.0]
    settings = {"best_by": "swd", "stop_after": 3, "keep_best": 2}
    whole = choice(**settings)
    follow(whole, values)
    assert whole.stopped
    for cut in range(1, len(values)):
        first, second = choice(**settings), choice(**settings)
        follow(first, values[:cut])
        facts = json.loads(json.dumps({"best": first.best, "choice": first.state()}))
        assert second.load_state(facts)
        for step in range(cut, len(values)):
            second.evaluated(step + 1, scores(swd=values[step]))
        assert second.state() == whole.state()


@pytest.mark.parametrize(("stop_after", "goes_on"), [(2, False), (3, True), (0, True), (1, False)])
def test_one_that_stopped_goes_on_if_it_may_wait_longer(stop_after: int, goes_on: bool) -> None:
    first = choice(best_by="swd", stop_after=2)
    follow(first, [5.0, 6.0, 6.0])
    assert first.stopped
    again = choice(best_by="swd", stop_after=stop_after)
    again.load_state({"best": first.best, "choice": first.state()})
    assert again.stopped is not goes_on


def test_less_patience_ends_an_interrupted_run_at_its_next_evaluation_and_not_before() -> None:
    first = choice(best_by="swd")
    follow(first, [5.0, 6.0, 6.0, 6.0])
    again = choice(best_by="swd", stop_after=2)
    again.load_state({"best": first.best, "choice": first.state()})
    assert not again.stopped
    again.evaluated(5, scores(swd=6.0))
    assert again.stopped


def test_when_another_metric_chooses_it_begins_anew_and_says_so() -> None:
    first = choice(best_by="swd", stop_after=2)
    follow(first, [5.0, 6.0, 6.0])
    again = choice(best_by="psnr", stop_after=2)
    assert not again.load_state({"best": first.best, "choice": first.state()})
    assert again.best is None and not again.stopped
    assert again.evaluated(9, scores(psnr=1.0))


def test_a_checkpoint_from_before_there_was_a_choice_keeps_its_best() -> None:
    """Their value was turned around where less is better."""
    old = {"best": {"step": 7, "value": -31.5}}
    unpaired = choice(paired=False)
    assert unpaired.load_state(old)
    assert unpaired.best == {"step": 7, "value": 31.5, "metric": "swd"}
    assert unpaired.evaluated(8, scores(swd=31.0)) and unpaired.waited == 0
    assert choice(paired=False, best_by="swd").load_state(old)
    assert not choice(best_by="l1").load_state(old)  # psnr had chosen
    assert choice(best_by="l1").load_state({"best": None})


def test_that_of_a_run_knows_what_its_data_allow() -> None:
    assert Choice.of(tiny_job()).metric == "psnr"  # the test scenes of seasons are pairs
    one_way = tiny_job(
        method={"type": "pix2pix"},
        losses={"cycle": None, "identity": None, "l1": {}},
        data={"pairs": True},
        metrics={"cycle": {}, "ssim": {}},
    )
    assert Choice.of(one_way).metric == "ssim"
    assert first_usable(one_way.spec.metrics) == "ssim"
