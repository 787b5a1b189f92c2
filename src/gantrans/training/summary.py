"""How a run ended, in plain words."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from gantrans.api.baseline import strongest
from gantrans.api.method import Method
from gantrans.api.step import ENDS
from gantrans.spec.model import RunSpec
from gantrans.training.assemble import Job
from gantrans.training.evaluate import Score, Scores, named
from gantrans.training.standing import clock, digits


def ways(spec: RunSpec, method: Method) -> str:
    """summer <-> winter, summer -> winter, or the domains that are read where none translates."""
    names = spec.domains.model_dump()
    directions = list(method.generators)
    if not directions:
        return " and ".join(names[domain] for domain in spec.method.domains)
    source, target = ENDS[directions[0]]
    return f"{names[source]} {'<->' if len(directions) == 2 else '->'} {names[target]}"


def in_words(
    job: Job,
    path: Path,
    steps: int,
    seconds: float,
    scores: Scores,
    best_step: int | None,
    stopped: str | None = None,
) -> list[str]:
    """The last lines of a run: how long, how good, where the pictures are, what to do next.

    Args:
        job: what was trained.
        path: the run directory.
        steps: how many are done.
        seconds: of training.
        scores: of the last evaluation.
        best_step: where the best checkpoint is from.
        stopped: why the run ended before its last step.
    """
    directions = list(job.method.generators)
    lines = [f"done: {steps} steps in {clock(seconds)}"]
    if stopped:
        lines = [f"done early: {steps} of {job.steps} steps in {clock(seconds)}; {stopped}"]
    for direction, metrics in scores.items():
        there = direction.replace("->", " to ")
        said = [_in_words(job, name, score) for name, score in metrics.items()]
        lines.append(f"{there}: " + "; ".join(said))
    if not scores:
        why = _why_not(job) if directions else "nothing is translated"
        lines.append(f"no metric could be measured ({why}): judge by the pictures")
    elif best_step is not None and best_step != steps:
        lines.append(f"step {best_step} was better; it is kept, and `gantrans translate` takes it")
    lines.append(f"pictures: {path / 'samples' / f'step-{steps:08d}.png'}")
    if directions:
        to = getattr(job.spec.domains, ENDS[directions[0]][1])
        lines.append(
            f"translate your own: gantrans translate {quote(str(path))} IMAGE... "
            f"--to {quote(to)} --out DIR"
        )
    return lines


def _why_not(job: Job) -> str:
    if not all(len(job.dataset.source("test", domain)) for domain in job.samples.sources):
        return "there are no test images"
    return "there is no truth to compare with" if job.spec.metrics else "the spec names none"


def _in_words(job: Job, name: str, score: Score) -> str:
    """PSNR 20.37 dB, 2.07 dB better than the mean training image (18.30)"""
    metric = named(job.spec.metrics, name)
    unit = f" {metric.unit}" if metric.unit else ""
    said = f"{name.upper()} {digits(score['value'])}{unit}"
    baseline = strongest(score["baselines"], higher_is_better=metric.higher_is_better)
    if baseline is None:
        return said
    gain = score["value"] - baseline.value
    better = "better" if (gain > 0) == metric.higher_is_better else "worse"
    return (
        f"{said}, {digits(abs(gain))}{unit} {better} than {baseline.phrase} "
        f"({digits(baseline.value)})"
    )
