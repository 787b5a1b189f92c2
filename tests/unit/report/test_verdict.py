"""The first sentence of a report: each row of its table, and where it draws lines."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drawn_run import WAYS, drawn_run, fault
from gantrans.api.baseline import Baseline
from gantrans.report.evidence import Evidence, Gain, evidence_of, trend
from gantrans.report.faults import Period
from gantrans.report.measures import Measure
from gantrans.report.record import read_record
from gantrans.report.state import Ending, State
from gantrans.report.values import short
from gantrans.report.verdict import verdict

LESS, MORE = Measure(higher_is_better=False), Measure(higher_is_better=True, unit="dB")


def state(ending: Ending = "finished", step: int = 1000, why: str = "") -> State:
    return State(ending, step, 1000, 60.0, why)


def unchanged(value: float) -> Baseline:
    return Baseline("input_unchanged", value)


def gains(*values: float, measure: Measure = LESS) -> list[Gain]:
    ways = ("summer->winter", "winter->summer")
    return [Gain(way, v, unchanged(300.0), measure) for way, v in zip(ways, values, strict=False)]


def known(**more: Any) -> Evidence:
    facts = {"state": state(), "metric": "swd", "gains": gains(66, 70), "best_step": 800}
    return Evidence(**{**facts, **more})


def period(name: str, severity: str = "fault", where: str = "summer->winter") -> Period:
    return Period(
        name, name, where, severity, 200, None, f"{name} is seen", "it means this", "that"
    )


def test_a_failed_run_broke_off_and_the_message_says_why() -> None:
    why = "the term cycle became nan. Go on with: gantrans run --resume runs/x"
    said = verdict(known(state=state("failed", 400, why)))
    assert said.tone == "bad"
    assert said.sentence == f"It broke off at step 400 of 1000: {why}"  # a command stays as it is


def test_a_fault_beats_the_numbers() -> None:
    said = verdict(known(faults=[period("no_translation")], gains=gains(290, 70)))
    assert said.tone == "bad"
    assert said.sentence == (
        "It does not work (summer to winter), and more of the same will not help: "
        "no_translation is seen."
    )
    assert said.more == (
        "It means this. Try: that.",
        "As for the other direction: winter to summer is closer to real images than the "
        "baselines (swd 70.0 against 300 of the unchanged input, less is better).",
    )
    neither = verdict(known(faults=[period("no_translation")], gains=gains(290, 300)))
    assert neither.more[1].startswith(
        "As for the other direction: winter to summer is not closer to real images"
    )
    assert len(verdict(known(faults=[period("x", where="")], gains=gains(290, 300))).more) == 1


def test_a_run_that_still_runs_is_to_be_stopped_for_a_fault() -> None:
    both = [period("collapsed"), period("collapsed", where="winter->summer"), period("inverted")]
    said = verdict(known(state=state("running", 500), faults=both, gains=gains(290, 295)))
    assert said.sentence == ("Stop (summer to winter and winter to summer): collapsed is seen.")
    assert said.more[1] == "Also (summer to winter): inverted is seen."


def test_a_clear_gain_in_the_very_direction_of_a_fault_makes_the_numbers_disagree() -> None:
    both = [period("no_translation"), period("no_translation", where="winter->summer")]
    said = verdict(known(faults=both))
    assert said.tone == "warning"
    assert said.sentence == (
        "The numbers disagree (summer to winter and winter to summer): no_translation is seen; and "
        "yet summer to winter and winter to summer are clearly closer to real images than the "
        "baselines (swd 66.0 against 300 and 70.0 against 300 of the unchanged input, less is "
        "better): look at the pictures below before you train on."
    )
    assert said.more[0] == "It means this. Try: that."
    denied = Gain("summer->winter", 12.0, unchanged(8.0), MORE, denied_by=("ssim",))
    for gain in ([denied], gains(290, 70), ()):  # denied by another metric, elsewhere, unknown
        said = verdict(known(faults=both[:1], gains=gain))
        assert said.sentence.startswith("It does not work (summer to winter), and more of the same")


@pytest.mark.parametrize(
    ("ending", "go"),
    [
        ("running", "let it go on"),
        ("interrupted", "go on with it"),
        ("silent", "nothing was heard"),
    ],
)
def test_a_fault_of_a_young_run_is_watched(ending: Ending, go: str) -> None:
    found = [period("collapsed")]
    bad = gains(310, 320)
    said = verdict(known(state=state(ending, 240), faults=found, gains=bad))
    assert said.tone == "warning"
    assert said.sentence.startswith(
        "Not yet (summer to winter): collapsed is seen. It is at step 240 of 1000, and this may "
        f"still pass: {go}"
    )
    assert verdict(known(state=state(ending, 260), faults=found, gains=bad)).tone == "bad"


def test_a_fault_that_came_late_leaves_an_earlier_checkpoint() -> None:
    late = known(faults=[period("collapsed")], gains=gains(310, 320), at_best=gains(60, 70))
    assert not any("Before that" in more for more in verdict(late).more)  # best at 800, fault 200
    said = verdict(replace(late, best_step=100))
    assert said.tone == "bad"
    assert said.more[1].startswith(
        "Before that it worked: best at step 100, which `gantrans translate` takes, where summer"
    )


def test_a_fault_that_came_and_went_was_seen() -> None:
    assert ", no fault lasts; " in verdict(known(passed=True)).sentence
    warned = verdict(known(passed=True, warnings=[period("saturated", "warning")]))
    assert ", no grave fault lasts; " in warned.sentence


def test_a_run_that_got_worse_is_judged_by_the_checkpoint_that_is_used() -> None:
    said = verdict(known(gains=gains(330, 80), at_best=gains(40, 50), best_step=500))
    assert said.tone == "warning"
    assert said.sentence == (
        "It worked best at step 500, which `gantrans translate` takes, where summer to winter and "
        "winter to summer were clearly closer to real images than the baselines (swd 40.0 against "
        "300 and 50.0 against 300 of the unchanged input, less is better); it got worse since "
        "(summer to winter: swd 330 against 300 of the unchanged input, less is better), no fault "
        "was seen: more of the same will "
        "not help."
    )
    assert verdict(known(at_best=gains(40, 50))).tone == "good"  # it is worse, and still works
    never = known(gains=gains(330, 80), at_best=gains(310, 50))
    assert verdict(never).sentence.startswith("It works one way only")
    young = known(state=state("running", 240), gains=gains(330, 320), at_best=gains(40, 50))
    assert verdict(young).sentence.startswith("Not yet")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_worse_and_named(value: float) -> None:
    one = verdict(known(gains=gains(66, value)))
    assert one.sentence.startswith("It works one way only: summer to winter is closer")
    assert f"winter to summer is not (swd {value:.0f} against 300 of the unch" in one.sentence
    both = verdict(known(gains=gains(value, value)))
    assert (both.tone, both.sentence[:16]) == ("bad", "It does not work")


def test_a_silent_run_is_not_told_to_go_on() -> None:
    silent = State("silent", 0, 1000, None, age=7200.0)
    said = verdict(known(state=silent, gains=()))
    assert said.sentence == (
        "Too early to say: it has not done a step yet; nothing was heard of it for 2 h, see "
        "whether it still runs."
    )
    later = verdict(known(state=replace(silent, step=400)))
    assert later.sentence.endswith("; nothing was heard of it for 2 h, see whether it still runs.")


def test_a_warning_is_a_second_sentence() -> None:
    said = verdict(known(warnings=[period("saturated", "warning")]))
    assert said.tone == "good"
    assert "no grave fault was seen" in said.sentence
    assert said.more == ("Watch out (summer to winter): saturated is seen. Try: that.",)


@pytest.mark.parametrize(("step", "start"), [(0, "it has not done a step"), (199, "199 steps are")])
def test_a_few_steps_say_nothing(step: int, start: str) -> None:
    said = verdict(known(state=state("running", step)))
    assert said.tone == "unknown"
    assert said.sentence.startswith(f"Too early to say: {start}")
    assert said.sentence.endswith("let it go on.")
    stopped = verdict(known(state=state("interrupted", step)))
    assert stopped.sentence.endswith("go on with it.")


def test_without_a_metric_the_pictures_judge() -> None:
    said = verdict(known(metric=None, gains=()))
    assert said.tone == "unknown"
    assert said.sentence.startswith(
        "No number says whether it works (no metric was measured), no fault was seen: judge by the "
        "pictures below"
    )


GO_ON = {
    ("finished", "improving"): "it was still getting better at the end, so train longer",
    ("finished", "flat"): "more of the same will change little",
    ("finished", "worse"): "was best at step 800, which `gantrans translate` takes",
    ("finished", None): "evaluated too seldom to tell whether training longer would help",
    ("stopped early", "flat"): "it stopped by itself and hardly got better",
    ("running", "improving"): "it is still getting better: let it go on",
    ("running", "flat"): "it hardly gets better any more: you may stop it",
    ("running", "worse"): "it gets worse since step 800: you may stop it",
    ("running", None): "let it go on",
    ("interrupted", "improving"): "broken off at step 1000 and was still getting better: go on",
    ("interrupted", "flat"): "going on will change little",
    ("interrupted", "worse"): "was best at step 800: use that checkpoint",
    ("interrupted", None): "go on with it",
}


@pytest.mark.parametrize(("ending", "way"), GO_ON)
def test_a_run_that_works_is_told_whether_to_go_on(ending: Ending, way: Any) -> None:
    said = verdict(known(state=state(ending), trend=way))
    assert said.tone == "good"
    assert said.sentence.startswith(
        "It works: summer to winter and winter to summer are clearly closer to real images than "
        "the baselines (swd 66.0 against 300 and 70.0 against 300 of the unchanged input, less is "
        "better), no fault was seen; "
    )
    assert GO_ON[ending, way] in said.sentence


def test_a_small_gain_works_a_little() -> None:
    said = verdict(known(gains=gains(280, 200)))
    assert (said.tone, said.sentence[:17]) == ("warning", "It works a little")


def test_metrics_that_contradict_each_other_are_not_called_working() -> None:
    gain = Gain("summer->winter", 12.0, unchanged(8.0), MORE, denied_by=("ssim",))
    said = verdict(known(metric="psnr", gains=[gain]))
    assert said.tone == "warning"
    assert said.sentence.startswith("The numbers disagree: summer to winter is closer")
    assert (
        "12.0 against 8.00 dB of the unchanged input, more is better), but not by ssim: judge by"
        in said.sentence
    )


def test_one_direction_that_fails_is_named() -> None:
    said = verdict(known(gains=gains(66, 305)))
    assert said.tone == "warning"
    assert said.sentence.startswith("It works one way only: summer to winter is closer")
    assert (
        "winter to summer is not (swd 305 against 300 of the unchanged input, less is better)"
        in said.sentence
    )


@pytest.mark.parametrize(
    ("ending", "step", "way", "tone", "says"),
    [
        ("running", 240, None, "warning", "but it is early: let it go on."),
        ("interrupted", 240, "flat", "warning", "but it is early: go on with it."),
        ("interrupted", 700, None, "warning", "so few evaluations cannot tell: go on with it."),
        ("interrupted", 700, "flat", "bad", "will not help: change the spec or the data."),
        ("stopped early", 240, "flat", "bad", "will not help: change the spec or the data."),
        ("running", 700, "improving", "warning", "but it is getting better: let it go on."),
        ("finished", 1000, "improving", "warning", "but it is getting better: train on."),
        ("running", 700, "flat", "bad", "it is not getting better: stop it and change the spec."),
        ("finished", 1000, "flat", "bad", "will not help: change the spec or the data."),
        ("finished", 1000, None, "bad", "will not help: change the spec or the data."),
    ],
)
def test_no_direction_better_than_the_baselines(
    ending: Ending, step: int, way: Any, tone: str, says: str
) -> None:
    said = verdict(known(state=state(ending, step), gains=gains(310, 299), trend=way))
    assert said.tone == tone
    assert said.sentence.startswith("Not yet: " if tone == "warning" else "It does not work: ")
    assert said.sentence.endswith(says)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100.0, 50.0], None),  # too few
        ([200.0, 150.0, 100.0, 80.0, 60.0, 50.0], "improving"),
        ([200.0, 100.0, 60.0, 60.0, 61.0, 60.0], "flat"),
        ([200.0, 100.0, 60.0, 90.0, 120.0, 130.0], "worse"),
        ([310.0, 320.0, 330.0], "flat"),  # nothing was gained that could be lost
        ([200.0, 60.0, 58.0, 61.0, 59.0, 57.5], "flat"),  # noise
    ],
)
def test_the_trend_of_the_last_third(values: list[float], expected: str | None) -> None:
    assert trend(values, LESS, 310.0) == expected
    assert trend([-value for value in values], MORE, -310.0) == expected  # the other way up


def test_the_gain_is_a_share_of_the_baseline_whichever_way_is_up() -> None:
    def share(value: float, baseline: float, measure: Measure) -> float:
        return Gain("", value, unchanged(baseline), measure).share

    assert share(66, 300, LESS) == pytest.approx(0.78)
    assert share(12, 8, MORE) == pytest.approx(0.5)
    assert share(330, 300, LESS) == pytest.approx(-0.1)
    assert share(0.0, 0.0, LESS) == 0 and share(1.0, 0.0, LESS) < 0


def test_the_verdict_of_a_whole_run_directory(tmp_path: Path) -> None:
    def of(name: str, **more: Any) -> str:
        return verdict(evidence_of(read_record(drawn_run(tmp_path / name, **more)))).sentence

    assert of("sound").startswith("It works: summer to winter and winter to summer are clearly")
    assert of("sound2").endswith("still getting better at the end, so train longer.")
    assert of("late", swd=(200, 90, 60, 60, 61, 60)).endswith("will change little.")
    assert "was best at step 500" in of("worse", swd=(200, 90, 60, 90, 120, 130))
    assert of("once", swd=(200, 40, 150, 330)).startswith(
        "It worked best at step 500, which `gantrans translate` takes, where summer to winter and "
        "winter to summer were clearly closer to real images than the baselines (swd 40.0 against "
        "310 and 40.0 against 310 of the unchanged input, less is better); it got worse since"
    )
    assert of("nan", swd=(200, 90, 60, math.nan)).startswith("It worked best at step 750, which")
    assert of("nans", swd=(math.nan,) * 4).startswith("It does not work: ")
    nowhere = of("inf", unchanged=math.inf, mean=math.inf)
    assert "could not be measured for a baseline" in nowhere
    assert of("nothing", swd=(320, 310, 315, 312)).startswith("It does not work: ")
    for name in ("no_translation", "collapsed", "inverted"):
        lines = [{"step": 100, "state": "judging"}, fault(300, name)]
        said = of(name, swd=(320, 310, 315, 312), health=lines)
        assert said.startswith("It does not work (summer to winter), and more of the same will")
        assert f"{name} is seen" in said
        assert of(f"{name}2", health=lines).startswith("The numbers disagree (summer to winter):")
    over = [fault(300, "collapsed"), fault(400, "collapsed", state="ended")]
    assert of("recovered", health=over).startswith("It works")
    assert ", no fault lasts; " in of("recovered2", health=over)
    assert "no fault was seen" not in of("unwatched", health=())


@pytest.mark.parametrize(
    ("unchanged", "mean", "start", "against"),
    [
        (300.0, 150.0, "It works: ", "of the mean training image"),  # better than both: 60
        (300.0, 62.5, "It works a little: ", "60.0 against 62.5 of the mean training image"),
        (300.0, 50.0, "It does not work: ", "60.0 against 50.0 of the mean training image"),
        (50.0, 300.0, "It does not work: ", "60.0 against 50.0 of the unchanged input"),
        (math.inf, 150.0, "It works: ", "of the mean training image"),  # one is known
    ],
)
def test_a_run_works_only_if_it_beats_both_baselines(
    tmp_path: Path, unchanged: float, mean: float, start: str, against: str
) -> None:
    made = drawn_run(tmp_path / "run", swd=(60, 60, 60, 60), unchanged=unchanged, mean=mean)
    said = verdict(evidence_of(read_record(made))).sentence
    assert said.startswith(start) and against in said


def test_each_number_names_its_own_baseline(tmp_path: Path) -> None:
    both = gains(66, 70)
    both[1] = replace(both[1], baseline=Baseline("mean_image", 280.0))
    assert (
        "swd 66.0 against 300 of the unchanged input and 70.0 against 280 of the mean training "
        "image, less is better"
    ) in verdict(known(gains=both)).sentence


def test_a_metric_that_is_clearly_worse_than_one_baseline_denies_the_gain(tmp_path: Path) -> None:
    made = drawn_run(tmp_path / "run", mean=150.0)
    resolved = json.loads((made / "spec.resolved.json").read_text())
    resolved["measures"]["ssim"] = {"higher_is_better": True}
    (made / "spec.resolved.json").write_text(json.dumps(resolved))
    summary = json.loads((made / "summary.json").read_text())
    for scores in summary["metrics"].values():
        baselines = {"input_unchanged": 0.3, "mean_image": 0.6}
        scores["ssim"] = {"value": 0.5, "baselines": baselines}
    with (made / "metrics.jsonl").open("a") as curves:
        curves.write(json.dumps({"step": 1000, **{f"metrics/ssim/{w}": 0.5 for w in WAYS}}) + "\n")
    (made / "summary.json").write_text(json.dumps(summary))
    said = verdict(evidence_of(read_record(made)))
    assert said.tone == "warning" and said.sentence.startswith("The numbers disagree: ")


def test_numbers_have_three_digits() -> None:
    assert [short(x) for x in (0, 8, 1310.4, 19.27, 0.61234, 0.004118, -12)] == [
        "0", "8.00", "1310", "19.3", "0.612", "0.00412", "-12.0",
    ]  # fmt: skip
