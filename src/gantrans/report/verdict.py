"""The first sentence of a report: whether it works, and whether to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gantrans.report.evidence import CLEAR, SLIGHT, Evidence, Gain
from gantrans.report.faults import Period

Tone = Literal["good", "warning", "bad", "unknown"]

EARLY = 0.25
"""The share of a run before which no good number is no bad sign."""

FEW = 200
"""Steps before which nothing is said: by a metric such as psnr, a blurred gray is soon better than
doing nothing."""


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a run.

    Args:
        tone: what colour it has.
        sentence: whether it works and whether to go on, for one who never saw a GAN.
        more: further sentences: why, what to do, warnings.
    """

    tone: Tone
    sentence: str
    more: tuple[str, ...] = ()


def verdict(known: Evidence) -> Verdict:
    """The first row that fits.

    | What is known | Verdict |
    |---|---|
    | it failed | bad: it broke off |
    | a fault lasts | bad: stop; what is seen, what it means, what to try |
    | fewer steps than `FEW` | unknown: too early |
    | no metric, or none against doing nothing | unknown: look at the pictures |
    | all directions better than doing nothing, but another metric denies it | warning: look |
    | all directions better than doing nothing | good: it works |
    | some directions better | warning: it works one way |
    | none, and early or improving | warning: not yet; wait |
    | none | bad: it does not work |
    """
    state, gains = known.state, known.gains
    aside = tuple(_seen("Watch out", group) + _advice(group[0]) for group in _alike(known.warnings))
    better = [gain for gain in gains if gain.share > SLIGHT]
    worse = [gain for gain in gains if gain.share <= SLIGHT]
    if state.ending == "failed":
        return Verdict("bad", f"It broke off at {_place(known)}: {state.why}", aside)
    if known.faults:
        return _faulty(known, aside)
    if state.step < FEW:
        done = f"{state.step} steps are few" if state.step else "it has not done a step yet"
        go = {"running": "let it go on", "interrupted": "go on with it"}.get(
            state.ending, "train longer"
        )
        return Verdict("unknown", f"Too early to say: {done}; {go}.", aside)
    if not gains:
        return _unmeasured(known, aside)
    denied = list(dict.fromkeys(name for gain in better for name in gain.denied_by))
    if not worse and denied:
        said = (
            f"The numbers disagree: {_translations(better)} closer to real images than the "
            f"untouched originals by one ({_numbers(known, better)}), but not by "
            f"{' and '.join(denied)}: judge by the pictures below; {_go_on(known)}."
        )
        return Verdict("warning", said, aside)
    if not worse:
        clear = all(gain.share > CLEAR for gain in better)
        opening = "It works" if clear else "It works a little"
        much = "clearly" if clear else "slightly"
        said = (
            f"{opening}: {_translations(better)} {much} closer to real images than the untouched "
            f"originals ({_numbers(known, better)}){_no_fault(known)}; {_go_on(known)}."
        )
        return Verdict("good" if clear else "warning", said, aside)
    if better:
        said = (
            f"It works one way only: {_translations(better)} closer to real images than the "
            f"untouched originals ({_numbers(known, better)}), {_translations(worse)} not "
            f"({_numbers(known, worse)}); {_go_on(known)}."
        )
        return Verdict("warning", said, (_USUAL, *aside))
    not_closer = (
        f"{_translations(worse)} not closer to real images than the untouched originals "
        f"({_numbers(known, worse)})"
    )
    early = not state.over and state.step < EARLY * (state.steps or 0)
    if known.trend == "improving" or early:
        what = "but it is getting better" if known.trend == "improving" else "but it is early"
        go = "train on" if state.over else "let it go on"
        return Verdict("warning", f"Not yet: {not_closer}, {what}: {go}.", aside)
    return Verdict("bad", f"It does not work: {not_closer}; {_stop_here(known)}.", (_USUAL, *aside))


_USUAL = (
    "Look at the pictures first. Usual reasons: the two sets of images differ in more than what is "
    "to be translated, there are too few of them, or losses.cycle.weight or losses.identity.weight "
    "is so large that changing nothing is cheapest."
)


def _faulty(known: Evidence, aside: Sequence[str]) -> Verdict:
    first, *others = _alike(known.faults)
    sentence = (
        _seen("It does not work", first, ", and more of the same will not help")
        if known.state.over
        else _seen("Stop", first)
    )
    more = [f"{_capital(_stop(first[0].means))}{_advice(first[0])}".strip()]
    more += [_seen("Also", other) for other in others]
    return Verdict("bad", sentence, (*more, *aside))


def _unmeasured(known: Evidence, aside: Sequence[str]) -> Verdict:
    why = (
        f"{known.metric} could not be measured on the untouched images"
        if known.metric
        else "there is no metric yet"
        if not known.state.over
        else "no metric was measured"
    )
    said = (
        f"No number says whether it works ({why}){_no_fault(known)}: judge by the pictures below; "
        f"{_go_on(known)}."
    )
    return Verdict("unknown", said, tuple(aside))


def _translations(gains: Sequence[Gain]) -> str:
    ways = [gain.direction.replace("->", " to ") for gain in gains]
    return f"{' and '.join(ways)} {'is' if len(ways) == 1 else 'are'}"


def _numbers(known: Evidence, gains: Sequence[Gain]) -> str:
    """swd 66 against 310, less is better"""
    unit = gains[0].measure.unit
    pairs = " and ".join(f"{digits(gain.value)} against {digits(gain.nothing)}" for gain in gains)
    way = "more" if gains[0].measure.higher_is_better else "less"
    return f"{known.metric} {pairs}{f' {unit}' if unit else ''}, {way} is better"


def _go_on(known: Evidence) -> str:
    """Whether to train on."""
    state, trend = known.state, known.trend
    if not state.over:
        return {
            "improving": "it is still getting better: let it go on",
            "flat": "it hardly gets better any more: you may stop it",
            "worse": f"it gets worse since step {known.best_step}: you may stop it, the best "
            "checkpoint is kept",
            None: "let it go on",
        }[trend]
    if state.ending == "interrupted":
        place = f"it was broken off at {_place(known)}"
        return {
            "improving": f"{place} and was still getting better: go on with it",
            "flat": f"{place} and hardly got better any more: going on will change little",
            "worse": f"{place}, and was best at step {known.best_step}: use that checkpoint",
            None: f"{place}: go on with it",
        }[trend]
    how = "it stopped by itself" if state.ending == "stopped early" else "it is finished"
    return {
        "improving": "it was still getting better at the end, so train longer",
        "flat": f"{how} and hardly got better in the last third: more of the same will change "
        "little",
        "worse": f"{how} and was best at step {known.best_step}, which `gantrans translate` takes: "
        "more of the same will not help",
        None: f"{how}; it was evaluated too seldom to tell whether training longer would help",
    }[trend]


def _stop_here(known: Evidence) -> str:
    if not known.state.over:
        return "and it is not getting better: stop it and change the spec"
    return "training longer will not help: change the spec or the data"


def _no_fault(known: Evidence) -> str:
    if not known.watched:
        return ""
    return ", no grave fault was seen" if known.warnings else ", no fault was seen"


def _place(known: Evidence) -> str:
    step, steps = known.state.step, known.state.steps
    return f"step {step} of {steps}" if steps and steps > step else f"step {step}"


def _seen(lead: str, periods: Sequence[Period], tail: str = "") -> str:
    """Stop (summer to winter and winter to summer): the output is the input, ..."""
    places = " and ".join(p.where.replace("->", " to ") for p in periods if p.where)
    text = periods[0].seen or periods[0].title
    return f"{lead}{f' ({places})' if places else ''}{tail}: {_stop(text)}"


def _alike(periods: Sequence[Period]) -> list[list[Period]]:
    """Those of one fault together, in the order of the first of each."""
    groups: dict[str, list[Period]] = {}
    for period in periods:
        groups.setdefault(period.fault, []).append(period)
    return list(groups.values())


def _advice(period: Period) -> str:
    return f" Try: {_stop(period.advice)}" if period.advice else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stop(text: str) -> str:
    """With one full stop at its end."""
    return f"{text.rstrip('. ')}." if text else ""


def digits(value: float) -> str:
    """With three digits: 1310, 19.3, 8.00, 0.00412."""
    if abs(value) >= 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:#.3g}"
