"""Finding: one thing about a data set that its owner should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Args:
        kind: its name, the same each time: "unreadable".
        severity: error: training stops, or its scores are wrong; warning: it trains worse; note:
            good to know.
        text: a sentence with the numbers.
        means: what it means for training.
        do: what to do.
        files: the images concerned; those of one group after the other, if there are groups.
        groups: where images are alike: which with which.
        count: of the images concerned.
        reasons: of each file, if each has its own.
    """

    kind: str
    severity: Severity
    text: str
    means: str
    do: str
    files: Sequence[str] = ()
    groups: Sequence[Sequence[str]] = ()
    count: int = 0
    reasons: Sequence[str] = ()


def of_files(
    kind: str, severity: Severity, text: str, means: str, do: str, files: Sequence[str]
) -> Finding:
    """A finding about some images."""
    return Finding(kind, severity, text, means, do, files, count=len(files))


def of_groups(
    kind: str,
    severity: Severity,
    text: str,
    means: str,
    do: str,
    groups: Sequence[Sequence[str]],
) -> Finding:
    """A finding about images that are alike."""
    files = [label for group in groups for label in group]
    return Finding(kind, severity, text, means, do, files, groups, len(files))


def plural(count: int, what: str) -> str:
    """Such as "1 image", or "1,200 images"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """Such as "3 of 400 images (0.8 %)"."""
    percent = 100 * part / max(1, whole)
    digits = 0 if percent >= 10 or part == whole else 1 if percent >= 0.1 else 2
    return f"{part:,} of {plural(whole, 'image')} ({percent:.{digits}f} %)"
