"""The health of a run: looked at while it trains, judged, and written to health.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from gantrans.api.journal import Journal, entries
from gantrans.api.step import Domain
from gantrans.training.assemble import Job
from gantrans.training.health.faults import BY_NAME, FAULTS, NO_GRADIENT, NOT_FINITE, Fault
from gantrans.training.health.memory import Memory
from gantrans.training.health.observation import Observation
from gantrans.training.health.probe import hidden, variation, variation_of_sheets
from gantrans.training.health.terms import doubt, one_sided
from gantrans.training.health.verdicts import LOOKS, Verdict

FILE = "health.jsonl"

OBSERVE, PROBE = 10, 100
"""Steps between two looks, and two that need passes of their own; more if fewer are logged."""

PROBED, PROBES = ("variation", "hidden"), 5
"""The quantities that are looked at so seldom, and how many looks a verdict on them takes."""

GRACE = 200, 1000
"""Steps at the beginning that are not judged: a tenth of the run, within these bounds."""


class Health:
    """Watches a run.

    Args:
        job: the run.
        run_dir: its folder.
        start_step: finished steps when the session begins; faults that were there go on.
        images: some of each domain, (C, H, W) in [-1, 1]: see probe.variation.
        say: where a fault that begins or ends is told of.
    """

    def __init__(
        self,
        job: Job,
        *,
        run_dir: Path,
        start_step: int,
        images: Mapping[Domain, Sequence[Tensor]],
        say: Callable[[str], None],
    ) -> None:
        self.job, self.images, self._say = job, images, say
        self._step = start_step
        self._grace = min(max(job.steps // 10, GRACE[0]), GRACE[1])
        self._memory = Memory()
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._began: dict[tuple[str, str], dict[str, Any]] = {}  # as in the file
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
            terms: the mean of each curve since the last report.
        """
        self._step = step
        found = {
            **self._seen(observed),
            **{("doubt", where): value for where, value in doubt(self.job, terms).items()},
            **{("one_sided", where): value for where, value in one_sided(self.job, terms).items()},
        }
        if self._due(step, PROBE):
            found |= self._probed(step, observed)
        if step > self._grace:
            self._judge(step, found)
        return {f"health/{name}/{where}": float(f"{v:.4g}") for (name, where), v in found.items()}

    def unreached(self, step: int, networks: Mapping[str, Sequence[str]]) -> None:
        """Say which networks no gradient has reached so far, and which are reached now.

        Args:
            step: finished steps.
            networks: by name, the losses that should have given them gradients.
        """
        for network, losses in networks.items():
            if (NO_GRADIENT.name, network) not in self._began:
                seen = f"no gradient reaches the network from {', '.join(losses)}"
                self._begin(
                    step, network, {**_entry(NO_GRADIENT, network, step, 0.0), "seen": seen}
                )
        for name, where in list(self._began):
            if name == NO_GRADIENT.name and where not in networks:
                self._end(step, NO_GRADIENT, where)

    def not_finite(self, step: int, what: str) -> None:
        """A term or a weight is not finite: the run ends, and this is why."""
        self._put(step, {**_entry(NOT_FINITE, "", step, 0.0), "seen": what, "state": "began"})

    @property
    def in_a_line(self) -> str:
        """What is wrong, since when; or that nothing is, or that it is too early to tell."""
        if not self._began:
            return "nothing wrong is seen" if self._judging else "too early to tell"
        return ", ".join(
            f"{entry['title']}{f' ({where})' if where else ''} since step {entry['since']}"
            for (_, where), entry in self._began.items()
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

    def give_up(self) -> None:
        """From here on nobody looks: what comes is neither sound nor not."""
        with suppress(Exception):
            self._put(self._step, {"state": "unwatched"})
            self.close()

    def close(self) -> None:
        """The session has ended."""
        if self._journal:
            self._journal.close()

    def _seen(self, observed: Observation) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float | None] = {}
        for place, look in observed.looks().items():
            where = self._called(place)
            found |= {(name, where): value for name, value in look.numbers.items()}
            found["checkerboard", where] = self._memory.checkerboard(place, look)
        for network, size in observed.gradients().items():
            found["gradient", network] = size
            found["growth", network] = self._memory.growth(network, size)
        return {key: value for key, value in found.items() if value is not None}

    def _probed(self, step: int, observed: Observation) -> dict[tuple[str, str], float]:
        generators, pairs = self.job.method.generators, observed.pairs()
        sizes = {tuple(fake.shape[-2:]) for _, fake in pairs.values()}
        found: dict[tuple[str, str], float] = {}
        if not generators:
            drawn = variation_of_sheets(self.job.method, self.images)
            return {("variation", self._called(where)): value for where, value in drawn.items()}
        if sizes:
            size = min(sizes)
            spread = variation(generators, self.images, (size[0], size[1]), self.job.device)
            upset = hidden(generators, pairs, self.job.spec.seed, step)
            for name, numbers in (("variation", spread), ("hidden", upset)):
                found |= {(name, self._called(way)): value for way, value in numbers.items()}
        return found

    def _judge(self, step: int, found: Mapping[tuple[str, str], float]) -> None:
        for fault in FAULTS:
            for (quantity, where), value in found.items():
                if quantity == fault.quantity:
                    self._look(fault, where, step, value)
        for name, where in list(self._began):
            fault = BY_NAME[name]
            if not fault.quantity:
                continue
            due = fault.quantity not in PROBED or self._due(step, PROBE)
            if due and (fault.quantity, where) not in found:  # what is not there any more is over
                self._look(fault, where, step, fault.over)
        if not self._judging and any(verdict.judging for verdict in self._verdicts.values()):
            self._judging = True
            self._put(step, {"state": "judging"})

    def _verdict(self, fault: Fault, where: str) -> Verdict:
        key = fault.name, where
        if key not in self._verdicts:
            looks = PROBES if fault.quantity in PROBED else LOOKS
            self._verdicts[key] = Verdict(fault, looks, active=key in self._began)
        return self._verdicts[key]

    def _due(self, step: int, every: int) -> bool:
        """Whether a logged step is the first of so many; a function of the step alone."""
        return step // every > (step - self.job.spec.train.log_every) // every

    def _look(self, fault: Fault, where: str, step: int, value: float) -> None:
        verdict = self._verdict(fault, where)
        if not verdict.look(step, value):
            return
        if verdict.active:
            self._begin(step, where, _entry(fault, where, verdict.since, verdict.value))
        else:
            self._end(step, fault, where)

    def _begin(self, step: int, where: str, entry: dict[str, Any]) -> None:
        self._began[entry["fault"], where] = entry
        self._put(step, {**entry, "state": "began"})
        place = f"{where}: " if where else ""
        self._say(f"step {step}: {place}{entry['seen']}. {entry['means']}. Try: {entry['try']}")

    def _end(self, step: int, fault: Fault, where: str) -> None:
        self._put(step, {**self._began.pop((fault.name, where)), "state": "ended"})
        place = f"{where}: " if where else ""
        self._say(f"step {step}: {place}{fault.title}: not any more")

    def _called(self, place: str) -> str:
        """summer->winter, of a direction; winter, of a domain."""
        names = self.job.spec.domains.model_dump()
        return "->".join(names[domain] for domain in place)

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
                    again = _entry(BY_NAME[key[0]], key[1], entry["step"], 0.0)
                    self._began[key] = {**again, **{k: entry[k] for k in again if k in entry}}


def _entry(fault: Fault, where: str, since: int, value: float) -> dict[str, Any]:
    """What health.jsonl says of a fault that began."""
    return {
        "fault": fault.name,
        "title": fault.title,
        "where": where,
        "since": since,
        "value": value,
        "threshold": fault.threshold,
        "severity": fault.severity,
        **fault.texts(value),
    }
