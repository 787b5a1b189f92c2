"""How far a metric's numbers would stray with other test images: the bootstrap (Efron 1979)."""

from __future__ import annotations

import torch

from gantrans.api.metric import Metric
from gantrans.api.randomness import derived_seed

DRAWS = 1000
"""Sets of images that are drawn, with replacement, from those that there are."""

ENOUGH = 20
"""Images of a side: of fewer, intervals are known to be too narrow."""

SHARE = 0.95
"""Of the draws, which lie inside an interval."""


def intervals(
    metric: Metric, values: dict[str, float], fakes: int, reals: int, *, pairs: bool
) -> dict[str, tuple[float, float]]:
    """For each number that the metric can tell of other images, where 95 % of the draws lie.

    The draws are moved so that their mean is the value: of a mean over images that is the usual
    percentile interval, and of a distance between two sets, which is larger for sets drawn with
    replacement, what is left is how far it strays. No interval reaches below the metric's `least`.
    The same images always give the same interval.

    Args:
        metric: after `compute`.
        values: what that gave.
        fakes: how many images it was shown.
        reals: how many real ones; 0 if it did not ask.
        pairs: whether image i of both are a pair, which is drawn as one.
    """
    found: dict[str, list[float]] = {}
    for draw in range(DRAWS):
        stream = torch.Generator().manual_seed(derived_seed(0, "bootstrap", draw))
        chosen = torch.randint(fakes, (fakes,), generator=stream)
        together = pairs and reals == fakes
        others = chosen if together else torch.randint(max(reals, 1), (reals,), generator=stream)
        for name, number in metric.resampled(chosen, others).items():
            found.setdefault(name, []).append(number)
        if not found:
            return {}
    ends = torch.tensor([(1 - SHARE) / 2, (1 + SHARE) / 2], dtype=torch.float64)
    bounds = {}
    for name, numbers in found.items():
        drawn = torch.tensor(numbers, dtype=torch.float64)
        low, high = (values[name] + (drawn - drawn.mean()).quantile(ends)).tolist()
        bounds[name] = (max(low, metric.least), high)
    return bounds
