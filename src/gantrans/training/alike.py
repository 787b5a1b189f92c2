"""What all ranks must have alike, or they would not train the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from gantrans.errors import UsageError
from gantrans.training.assemble import Job

OF_A_MACHINE = {"workers", "cache_gib"}
"""Keys of `[data]` that may differ."""


def refuse_unequal(job: Job) -> None:
    """Compare the spec and the images of all ranks: their machines may have others.

    Raises:
        UsageError: on all ranks, if anything differs.
    """
    if job.ranks.count == 1:
        return
    first, *others = job.ranks.exchange(_facts(job))
    for rank, facts in enumerate(others, start=1):
        for what, fact in facts.items():
            if fact != first[what]:
                raise UsageError(
                    f"{what} of process {rank} ({fact}) differ from those of process 0 "
                    f"({first[what]}): give all machines the same spec and the same data"
                )


def _facts(job: Job) -> dict[str, str]:
    settings = job.spec.model_dump(mode="json", exclude={"data": OF_A_MACHINE, "trackers": True})
    facts = {"the settings": f"digest {_digest([json.dumps(settings, sort_keys=True)])}"}
    for domain, train in job.samples.sources.items():
        for split, source in (("train", train), ("test", job.dataset.source("test", domain))):
            names = _digest(source.label(n) for n in range(len(source)))
            what = f"the {split} images of {getattr(job.spec.domains, domain)}"
            facts[what] = f"{len(source)}, names with digest {names}"
    return facts


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode(errors="surrogateescape")).hexdigest()[:8]
