"""The phrases that verdicts are put together of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from gantrans.report.evidence import Evidence, Gain
from gantrans.report.faults import Period
from gantrans.report.values import short


def ways(gains: Sequence[Gain]) -> str:
    """summer to winter and winter to summer"""
    return " and ".join(gain.direction.replace("->", " to ") for gain in gains)


def translations(gains: Sequence[Gain], *, past: bool = False) -> str:
    """summer to winter and winter to summer are"""
    one, more = ("was", "were") if past else ("is", "are")
    return f"{ways(gains)} {one if len(gains) == 1 else more}"


def numbers(known: Evidence, gains: Sequence[Gain]) -> str:
    """psnr 20.4 against 18.3 dB of the mean training image, more is better"""
    measure = gains[0].measure
    unit = f" {measure.unit}" if measure.unit else ""
    pairs = ""
    for gain, after in zip_longest(gains, gains[1:]):
        pairs += f"{short(gain.value)} against {short(gain.baseline.value)}"
        if after is None or after.baseline.name != gain.baseline.name:
            pairs += f"{unit} of {gain.baseline.phrase}"
        pairs += " and " if after else ""
    return f"{known.metric} {pairs}, {'more' if measure.higher_is_better else 'less'} is better"


def place(known: Evidence) -> str:
    """step 400 of 1000"""
    step, steps = known.state.step, known.state.steps
    return f"step {step} of {steps}" if steps and steps > step else f"step {step}"


def seen(lead: str, periods: Sequence[Period], tail: str = "") -> str:
    """Stop (summer to winter and winter to summer): the output is the input, ..."""
    places = " and ".join(p.where.replace("->", " to ") for p in periods if p.where)
    text = periods[0].seen or periods[0].title
    return f"{lead}{f' ({places})' if places else ''}{tail}: {stop(text)}"


def alike(periods: Sequence[Period]) -> list[list[Period]]:
    """Those of one fault together, in the order of the first of each."""
    groups: dict[str, list[Period]] = {}
    for period in periods:
        groups.setdefault(period.fault, []).append(period)
    return list(groups.values())


def advice(period: Period) -> str:
    """What to try, as a further sentence; "" if nothing is known to help."""
    return f" Try: {stop(period.advice)}" if period.advice else ""


def capital(text: str) -> str:
    """With its first letter as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def stop(text: str) -> str:
    """With one full stop at its end."""
    return f"{text.rstrip('. ')}." if text else ""
