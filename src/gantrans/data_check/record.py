"""The JSON of a check. `version` is raised when a key changes its meaning or goes.

{"version": 1, "name": "...", "dataset": "...", "whole": true,
 "counts": {"images", "looked_at", "unreadable", "errors", "warnings", "notes"},
 "groups": [{"split", "domain", "name", "images", "looked_at", "unreadable", "gray",
             "width": {"least", "median", "most"} | null, "height": ..., "proportion": ...,
             "stored": {"RGB": 400}}],
 "findings": [{"kind", "severity", "text", "means", "do", "count", "files": [...],
               "groups": [[...]], "reasons": [...]}]}

`groups` says which of the `files` are alike, `reasons` has one for each of the `files`; both are
empty where that is not the question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from gantrans.data_check.facts import Collection, Group
from gantrans.data_check.finding import SEVERITIES, Finding
from gantrans.data_check.plan import Plan

VERSION = 1


def record(plan: Plan, collection: Collection, found: Sequence[Finding]) -> dict[str, Any]:
    """All that was found."""
    groups = collection.groups
    return {
        "version": VERSION,
        "name": plan.name,
        "dataset": plan.dataset,
        "whole": collection.whole,
        "counts": {
            "images": sum(group.total for group in groups),
            "looked_at": sum(len(group.images) for group in groups),
            "unreadable": sum(len(group.images) - len(group.readable) for group in groups),
            **{
                f"{severity}s": sum(finding.severity == severity for finding in found)
                for severity in SEVERITIES
            },
        },
        "groups": [_group(group) for group in groups],
        "findings": [_finding(finding) for finding in found],
    }


def _group(group: Group) -> dict[str, Any]:
    sizes = [image.size for image in group.readable if image.size]
    return {
        "split": group.split,
        "domain": group.domain,
        "name": group.name,
        "images": group.total,
        "looked_at": len(group.images),
        "unreadable": len(group.images) - len(group.readable),
        "gray": sum(image.colourful is False for image in group.readable),
        "width": _spread([width for width, _ in sizes]),
        "height": _spread([height for _, height in sizes]),
        "proportion": _spread([round(width / height, 4) for width, height in sizes if height]),
        "stored": dict(Counter(i.stored for i in group.readable if i.stored).most_common()),
    }


def _spread(numbers: Sequence[float]) -> dict[str, float] | None:
    if not numbers:
        return None
    return {"least": min(numbers), "median": median(numbers), "most": max(numbers)}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "text": finding.text,
        "means": finding.means,
        "do": finding.do,
        "count": finding.count,
        "files": list(finding.files),
        "groups": [list(group) for group in finding.groups],
        "reasons": list(finding.reasons),
    }
