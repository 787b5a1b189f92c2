"""What all ranks must have alike, or they would not train the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gantrans.errors import UsageError
from gantrans.training.assemble import Job


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
    facts = {"the settings": f"digest {_digest([job.spec.model_dump_json()])}"}
    for domain in job.samples.sources:
        for split in ("train", "test"):
            source = job.dataset.source(split, domain)
            names = _digest(source.label(n) for n in range(len(source)))
            what = f"the {split} images of {getattr(job.spec.domains, domain)}"
            facts[what] = f"{len(source)}, names with digest {names}"
    return facts


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
