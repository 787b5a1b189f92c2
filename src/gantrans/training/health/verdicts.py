"""When a fault begins and when it ends."""

from __future__ import annotations

from collections import deque
from statistics import median

import torch
from torch import Tensor

from gantrans.training.health.faults import Fault

LOOKS, SPAN = 10, 180
"""A verdict is of at least so many looks, over at least so many steps."""


class Verdict:
    """Whether one fault is there at one place, by the median of the newest looks.

    A single look proves nothing, and a number that goes back and forth about the threshold shall
    not begin and end a fault at each.

    Args:
        fault: which.
        looks: how many it takes.
        active: whether it was there when the run was saved.
    """

    def __init__(self, fault: Fault, looks: int = LOOKS, *, active: bool = False) -> None:
        self.fault, self.looks, self.active = fault, looks, active
        self._seen: deque[tuple[int, float]] = deque()

    @property
    def judging(self) -> bool:
        """Whether there were enough looks to tell."""
        enough = len(self._seen) >= self.looks
        return enough and self._seen[-1][0] - self._seen[0][0] >= SPAN

    @property
    def since(self) -> int:
        """The step of the first of the newest looks that was beyond the threshold."""
        return next(step for step, value in self._seen if self.fault.beyond(value))

    @property
    def value(self) -> float:
        """The median of the looks."""
        return median(value for _, value in self._seen)

    def look(self, step: int, value: float) -> bool:
        """Take a number of `step` into account; whether the verdict has changed."""
        self._seen.append((step, value))
        while len(self._seen) > self.looks and step - self._seen[1][0] >= SPAN:
            self._seen.popleft()
        if not self.judging:
            return False
        now = self.fault.beyond(self.value, since_before=self.active)
        changed, self.active = now != self.active, now
        return changed

    def state(self) -> Tensor:
        """The looks, (N, 2): step and number."""
        return torch.tensor(self._seen, dtype=torch.float64).reshape(-1, 2)

    def load_state(self, state: Tensor) -> None:
        """Take back what `state` gave."""
        self._seen = deque((int(step), value) for step, value in state.tolist())
