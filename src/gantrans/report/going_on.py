"""Whether to train on, as the end of a verdict's sentence."""

from __future__ import annotations

from gantrans.report.evidence import Evidence
from gantrans.report.phrases import place
from gantrans.report.values import span


def waiting(known: Evidence) -> str:
    """What to do with a run that is not done and not judged yet."""
    if known.state.ending == "interrupted":
        return "go on with it"
    if known.state.ending == "silent":
        heard = span(known.state.age or 0)
        return f"nothing was heard of it for {heard}, see whether it still runs"
    return "let it go on"


def go_on(known: Evidence) -> str:
    """Whether to train on a run that works, or may work."""
    state, trend = known.state, known.trend
    if state.ending == "silent":
        return waiting(known)
    if not state.over:
        return {
            "improving": "it is still getting better: let it go on",
            "flat": "it hardly gets better any more: you may stop it",
            "worse": f"it gets worse since step {known.best_step}: you may stop it, the best "
            "checkpoint is kept",
            None: "let it go on",
        }[trend]
    if state.ending == "interrupted":
        broken = f"it was broken off at {place(known)}"
        return {
            "improving": f"{broken} and was still getting better: go on with it",
            "flat": f"{broken} and hardly got better any more: going on will change little",
            "worse": f"{broken}, and was best at step {known.best_step}: use that checkpoint",
            None: f"{broken}: go on with it",
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


def stop_here(known: Evidence) -> str:
    """Why not to, of a run that does not work."""
    if known.state.ending == "silent":
        return "change the spec, and see whether it still runs: nothing was heard of it for long"
    if not known.state.over:
        return "it is not getting better: stop it and change the spec"
    return "training longer will not help: change the spec or the data"
