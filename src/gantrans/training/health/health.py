"""The health of a run: looked at while it trains, judged, and written to health.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gantrans.api.journal import Journal, entries
from gantrans.training.assemble import Job
from gantrans.training.health.faults import BY_NAME, FAULTS, NOT_FINITE, Fault
from gantrans.training.health.memory import Memory
from gantrans.training.health.observation import Observation
from gantrans.training.health.terms import doubt, one_sided
from gantrans.training.health.verdicts import LOOKS, Verdict

FILE = "health.jsonl"

OBSERVE, PROBE = 10, 100
"""Steps between two looks, and two at the way back under noise; more if fewer are logged."""

PROBES = 5
"""Looks that a verdict takes of what is looked at so seldom."""

GRACE = 200, 1000
"""Steps at the beginning that are not judged: a tenth of the run, within these bounds."""


class Health:
    """Watches a run.

    Args:
        job: the run.
        run_dir: its folder.
        start_step: finished steps when the session begins; faults that were there go on.
        say: where a fault that begins or ends is told of.
    """

    def __init__(
        self, job: Job, *, run_dir: Path, start_step: int, say: Callable[[str], None]
    ) -> None:
        self.job, self._say = job, say
        self._grace = min(max(job.steps // 10, GRACE[0]), GRACE[1])
        self._memory = Memory()
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._began: dict[tuple[str, str], int] = {}
        self._judging = False
        self._journal: Journal | None = None
        try:
            self._journal = Journal(run_dir / FILE, start_step)
            self._take_up(run_dir / FILE)
        except OSError as error:
            say(f"{FILE} cannot be written: {error}")

    def observation(self, step: int) -> Observation | None:
        """What the step that ends as `step` is shown to; None: it is not looked at."""
        return Observation(self.job.method.generators) if self._due(step, OBSERVE) else None

    def read(
        self, step: int, observed: Observation, terms: Mapping[str, float]
    ) -> dict[str, float]:
        """Judge what was observed at `step`; the numbers, as curves health/<quantity>/<where>.

        Args:
            step: finished steps.
            observed: what the last of them was shown to.
            terms: the mean of each curve since the last look.
        """
        found = {
            **self._seen(observed),
            **{("doubt", where): value for where, value in doubt(self.job, terms).items()},
            **{("one_sided", where): value for where, value in one_sided(self.job, terms).items()},
        }
        if self._due(step, PROBE):
            for way, ratio in observed.hidden(self.job.spec.seed, step).items():
                found["hidden", self._called(way)] = ratio
        if step > self._grace:
            self._judge(step, found)
        return {f"health/{name}/{where}": float(f"{v:.4g}") for (name, where), v in found.items()}

    def not_finite(self, step: int, what: str) -> None:
        """A term or a weight is not finite: the run ends, and this is why."""
        texts = {**NOT_FINITE.texts(0.0), "seen": what}
        self._write(step, NOT_FINITE, "", "began", step, texts)

    @property
    def in_a_line(self) -> str:
        """What is wrong, since when; or that nothing is, or that it is too early to tell."""
        if not self._began:
            return "nothing wrong is seen" if self._judging else "too early to tell"
        return ", ".join(
            f"{BY_NAME[name].title}{f' ({where})' if where else ''} since step {since}"
            for (name, where), since in self._began.items()
        )

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs to come to the same verdicts, as named tensors."""
        windows = {f"{name}/{where}": one.state() for (name, where), one in self._verdicts.items()}
        return {
            **{f"memory/{key}": value for key, value in self._memory.state().items()},
            **{f"verdict/{key}": value for key, value in windows.items()},
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave; the faults that were there are in the file."""
        parts: dict[str, dict[str, Tensor]] = {"memory": {}, "verdict": {}}
        for key, value in state.items():
            part, _, rest = key.partition("/")
            parts[part][rest] = value
        self._memory.load_state(parts["memory"])
        for key, window in parts["verdict"].items():
            name, _, where = key.partition("/")
            if name in BY_NAME:
                self._verdict(BY_NAME[name], where).load_state(window)

    def close(self) -> None:
        """The session has ended."""
        if self._journal:
            self._journal.close()

    def _seen(self, observed: Observation) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        for place, look in observed.looks().items():
            numbers = {**look.numbers, **self._memory.images(place, look)}
            found |= {(name, self._called(place)): value for name, value in numbers.items()}
        for network, size in observed.gradients().items():
            found["gradient", network] = size
            growth = self._memory.growth(network, size)
            if growth is not None:
                found["growth", network] = growth
        return found

    def _judge(self, step: int, found: Mapping[tuple[str, str], float]) -> None:
        for fault in FAULTS:
            for (quantity, where), value in found.items():
                if quantity == fault.quantity:
                    self._look(fault, where, step, value)
        if not self._judging and any(verdict.judging for verdict in self._verdicts.values()):
            self._judging = True
            self._put(step, {"state": "judging"})

    def _verdict(self, fault: Fault, where: str) -> Verdict:
        key = fault.name, where
        if key not in self._verdicts:
            looks = PROBES if fault.quantity == "hidden" else LOOKS
            self._verdicts[key] = Verdict(fault, looks, active=key in self._began)
        return self._verdicts[key]

    def _due(self, step: int, every: int) -> bool:
        """Whether a logged step is the first of so many; a function of the step alone."""
        return step // every > (step - self.job.spec.train.log_every) // every

    def _look(self, fault: Fault, where: str, step: int, value: float) -> None:
        key, verdict = (fault.name, where), self._verdict(fault, where)
        if not verdict.look(step, value):
            return
        place = f"{where}: " if where else ""
        if verdict.active:
            self._began[key] = verdict.since
            texts = fault.texts(verdict.value)
            self._write(step, fault, where, "began", verdict.since, texts, verdict.value)
            self._say(f"step {step}: {place}{texts['seen']}. {texts['means']}. Try: {texts['try']}")
        else:
            since = self._began.pop(key)
            texts = fault.texts(verdict.value)
            self._write(step, fault, where, "ended", since, texts, verdict.value)
            self._say(f"step {step}: {place}{fault.title}: not any more")

    def _called(self, place: str) -> str:
        """summer->winter, of a direction; winter, of a domain."""
        names = self.job.spec.domains.model_dump()
        return "->".join(names[domain] for domain in place)

    def _write(
        self,
        step: int,
        fault: Fault,
        where: str,
        state: str,
        since: int,
        texts: Mapping[str, str],
        value: float | None = None,
    ) -> None:
        self._put(
            step,
            {
                "fault": fault.name,
                "title": fault.title,
                "where": where,
                "state": state,
                "since": since,
                "value": value,
                "threshold": fault.threshold,
                "severity": fault.severity,
                **texts,
            },
        )

    def _put(self, step: int, entry: Mapping[str, Any]) -> None:
        if self._journal is None:
            return
        try:
            self._journal.write(step, entry)
        except OSError as error:  # no reason to lose a run
            self._journal = None
            self._say(f"{FILE} cannot be written any more: {error}")

    def _take_up(self, path: Path) -> None:
        """The faults that were there when the run was saved."""
        for entry in entries(path):
            key = str(entry.get("fault")), str(entry.get("where"))
            self._judging |= entry.get("state") == "judging"
            if key[0] in BY_NAME and key[0] != NOT_FINITE.name:  # its step is done again
                self._began.pop(key, None)
                if entry.get("state") == "began":
                    self._began[key] = int(entry["since"])
