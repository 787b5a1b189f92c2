"""The first sentence of a report: whether it works, and whether to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gantrans.report.evidence import CLEAR, SLIGHT, Evidence
from gantrans.report.going_on import go_on, stop_here, waiting
from gantrans.report.phrases import (
    advice,
    alike,
    capital,
    numbers,
    place,
    seen,
    stop,
    translations,
    ways,
)

Tone = Literal["good", "warning", "bad", "unknown"]

EARLY = 0.25
"""The share of a run before which no good number is no bad sign."""

FEW = 200
"""Steps before which nothing is said: a few steps are no evidence, whatever the numbers are."""


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
    | a fault lasts, but its direction is clearly better than the baselines | warning: look |
    | a fault lasts, and it is early | warning: not yet; watch it |
    | a fault lasts | bad: stop; what is seen, what it means, what to try |
    | fewer steps than `FEW` | unknown: too early |
    | no metric, or none with a baseline | unknown: look at the pictures |
    | not clearly better any more, but at the best checkpoint | warning: it worked best there |
    | all directions better than the baselines, but another metric denies it | warning: look |
    | all directions better than the baselines | good: it works |
    | some directions better | warning: it works one way |
    | none, and early, improving, or going on with too few evaluations | warning: not yet; wait |
    | none | bad: it does not work |
    """
    state, gains = known.state, known.gains
    early = not state.done and state.step < EARLY * (state.steps or 0)
    aside = tuple(seen("Watch out", group) + advice(group[0]) for group in alike(known.warnings))
    better = [gain for gain in gains if gain.share > SLIGHT]
    worse = [gain for gain in gains if gain.share <= SLIGHT]
    if state.ending == "failed":
        return Verdict("bad", f"It broke off at {place(known)}: {state.why}", aside)
    if known.faults:
        return _faulty(known, early, aside)
    if state.step < FEW:
        done = f"{state.step} steps are few" if state.step else "it has not done a step yet"
        go = "train longer" if state.done else waiting(known)
        return Verdict("unknown", f"Too early to say: {done}; {go}.", aside)
    if not gains:
        return _unmeasured(known, aside)
    if _sound_once(known) and not early and not all(gain.clear for gain in gains):
        return Verdict("warning", _worked_once(known), aside)
    denied = list(dict.fromkeys(name for gain in better for name in gain.denied_by))
    if not worse and denied:
        said = (
            f"The numbers disagree: {translations(better)} closer to real images than the "
            f"baselines by one ({numbers(known, better)}), but not by "
            f"{' and '.join(denied)}: judge by the pictures below; {go_on(known)}."
        )
        return Verdict("warning", said, aside)
    if not worse:
        clear = all(gain.share > CLEAR for gain in better)
        opening = "It works" if clear else "It works a little"
        much = "clearly" if clear else "slightly"
        said = (
            f"{opening}: {translations(better)} {much} closer to real images than the "
            f"baselines ({numbers(known, better)}){_no_fault(known)}; {go_on(known)}."
        )
        return Verdict("good" if clear else "warning", said, aside)
    if better:
        said = (
            f"It works one way only: {translations(better)} closer to real images than the "
            f"baselines ({numbers(known, better)}), {translations(worse)} not "
            f"({numbers(known, worse)}); {go_on(known)}."
        )
        return Verdict("warning", said, (_USUAL, *aside))
    not_closer = (
        f"{translations(worse)} not closer to real images than the baselines "
        f"({numbers(known, worse)})"
    )
    few = not state.done and known.trend is None
    if known.trend == "improving" or early or few:
        what = (
            "but it is getting better"
            if known.trend == "improving"
            else "but it is early"
            if early
            else "but so few evaluations cannot tell"
        )
        go = "train on" if state.done else waiting(known)
        return Verdict("warning", f"Not yet: {not_closer}, {what}: {go}.", aside)
    return Verdict("bad", f"It does not work: {not_closer}; {stop_here(known)}.", (_USUAL, *aside))


_USUAL = (
    "Look at the pictures first. Usual reasons: the two sets of images differ in more than what is "
    "to be translated, there are too few of them, or losses.cycle.weight or losses.identity.weight "
    "is so large that changing nothing is cheapest."
)


def _faulty(known: Evidence, early: bool, aside: Sequence[str]) -> Verdict:
    first, *others = alike(known.faults)
    places = {period.where for period in known.faults}
    denying = [gain for gain in known.gains if gain.clear and gain.direction in places]
    tone: Tone = "warning"
    if len(denying) == len(places):
        sentence = (
            f"{seen('The numbers disagree', first).rstrip('.')}; and yet {translations(denying)} "
            f"clearly closer to real images than the baselines "
            f"({numbers(known, denying)}): look at the pictures below before you train on."
        )
    elif early:
        sentence = seen("Not yet", first) + (
            f" It is at {place(known)}, and this may still pass: {waiting(known)}, and watch it."
        )
    else:
        over, tone = known.state.over, "bad"
        tail = ", and more of the same will not help" if over else ""
        sentence = seen("It does not work" if over else "Stop", first, tail)
    more = [f"{capital(stop(first[0].means))}{advice(first[0])}".strip()]
    more += [seen("Also", other) for other in others]
    began = min(period.since for period in known.faults)
    if tone == "bad" and _sound_once(known) and (known.best_step or 0) < began:
        more.append(f"Before that it worked: best at {_then(known)}.")
    return Verdict(tone, sentence, (*more, *_elsewhere(known, places), *aside))


def _elsewhere(known: Evidence, places: set[str]) -> list[str]:
    """How the other direction does, where the faults are of one."""
    if not any("->" in place for place in places):
        return []
    return [
        f"As for the other direction: {translations([gain])} "
        f"{'' if gain.share > SLIGHT else 'not '}closer to real images than the "
        f"baselines ({numbers(known, [gain])})."
        for gain in known.gains
        if gain.direction not in places
    ]


def _sound_once(known: Evidence) -> bool:
    """Whether all was well at the best checkpoint."""
    return bool(known.at_best) and all(gain.clear for gain in known.at_best)


def _then(known: Evidence) -> str:
    """How it was at the best checkpoint."""
    return (
        f"step {known.best_step}, which `gantrans translate` takes, where "
        f"{translations(known.at_best, past=True)} clearly closer to real images than the "
        f"baselines ({numbers(known, known.at_best)})"
    )


def _worked_once(known: Evidence) -> str:
    faded = [gain for gain in known.gains if not gain.clear]
    waits = known.state.ending == "running"
    go = "you may stop it" if waits else "more of the same will not help"
    return (
        f"It worked best at {_then(known)}; it got worse since ({ways(faded)}: "
        f"{numbers(known, faded)}){_no_fault(known)}: {go}."
    )


def _unmeasured(known: Evidence, aside: Sequence[str]) -> Verdict:
    why = (
        f"{known.metric} could not be measured for a baseline"
        if known.metric
        else "there is no metric yet"
        if not known.state.over
        else "no metric was measured"
    )
    said = (
        f"No number says whether it works ({why}){_no_fault(known)}: judge by the pictures below; "
        f"{go_on(known)}."
    )
    return Verdict("unknown", said, tuple(aside))


def _no_fault(known: Evidence) -> str:
    if not known.watched:
        return ""
    which = "no grave fault" if known.warnings else "no fault"
    return f", {which} {'lasts' if known.passed else 'was seen'}"
