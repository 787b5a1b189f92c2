"""What is said of a data set, by what it concerns: each rule makes findings of facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gantrans.data_check.facts import Collection
from gantrans.data_check.finding import SEVERITIES, Finding
from gantrans.data_check.rules.colours import colours
from gantrans.data_check.rules.counts import counts
from gantrans.data_check.rules.duplicates import duplicates
from gantrans.data_check.rules.pixels import constant, unreadable
from gantrans.data_check.rules.sizes import sizes
from gantrans.data_check.rules.storage import storage
from gantrans.inference.files.shown import shown


def findings(collection: Collection) -> list[Finding]:
    """All that is to be said, the worst first.

    Texts and reasons, which may quote names of files, are printable everywhere; `files` and
    `groups` have the names as they are.
    """
    found = [_printable(finding) for finding in _found(collection)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _printable(finding: Finding) -> Finding:
    return replace(
        finding,
        text=shown(finding.text),
        means=shown(finding.means),
        do=shown(finding.do),
        reasons=tuple(map(shown, finding.reasons)),
    )


def _found(collection: Collection) -> Iterator[Finding]:
    yield from unreadable(collection)
    yield from duplicates(collection)
    yield from sizes(collection)
    yield from counts(collection)
    yield from constant(collection)
    yield from colours(collection)
    yield from storage(collection)
