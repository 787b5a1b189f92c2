"""The terms of the steps since the last look, kept on the device until someone looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gantrans.errors import NonFiniteError
from gantrans.training.batch import Labels
from gantrans.training.distributed import ALONE, Ranks


class Ledger:
    """Collects each step's terms without waiting for the device; `read` fetches them at once.

    Args:
        ranks: whose terms are means over part of the images; all of them look at the same steps.
    """

    def __init__(self, ranks: Ranks = ALONE) -> None:
        self.ranks = ranks
        self._steps: list[tuple[int, list[str], Tensor, Sequence[Labels]]] = []

    def add(self, step: int, terms: Mapping[str, Tensor], labels: Sequence[Labels]) -> None:
        """Keep the terms of `step` (counted from 1) and the names of its images."""
        if terms:
            stacked = torch.stack([term.float() for term in terms.values()])
            self._steps.append((step, list(terms), stacked, labels))

    def read(self) -> dict[str, float]:
        """The mean of each curve since the last read, over all ranks, and forget them.

        Raises as `check` does.
        """
        self.check()
        values: dict[str, list[float]] = {}
        for _, curves, stacked, _ in self._steps:
            for curve, value in zip(curves, stacked.tolist(), strict=True):
                values.setdefault(curve, []).append(value)
        self._steps.clear()
        means = {curve: sum(found) / len(found) for curve, found in values.items()}
        of_all = self.ranks.exchange(means)
        return {curve: sum(one[curve] for one in of_all) / len(of_all) for curve in means}

    def check(self) -> None:
        """Raise NonFiniteError for the first term of any rank that is not finite.

        It names the step, and that rank's images.
        """
        for found in self.ranks.exchange(self._first_wrong()):
            if found:
                raise NonFiniteError(found)

    def _first_wrong(self) -> str | None:
        for step, curves, stacked, labels in self._steps:
            for curve, value in zip(curves, stacked.tolist(), strict=True):
                if not math.isfinite(value):
                    return _complaint(curve, value, step, labels)
        return None


def _complaint(curve: str, value: float, step: int, labels: Sequence[Labels]) -> str:
    images = [label for batch in labels for names in batch.values() for label in names]
    return (
        f"the term {curve} became {value} at step {step}, on {', '.join(images)}. Look at these "
        "images; a lower optimizer.lr, optimizer.clip_norm = 1.0 or another objective may help"
    )
