"""`gantrans check-plugin`: whether components hold what their kinds promise."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantrans.cli.options import PluginFiles
from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.testing.check import Check, Outcome
    from gantrans.testing.subject import Subject

SHOWN = {"ok": "ok", "failed": "FAILED", "skipped": "skipped"}


def check_plugin(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A Python file, an installed plugin, or a component (name, or kind/name).",
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the component, or kind/name.KEY=VALUE for one of several.",
        ),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: loss, dataset, ...")] = None,
    plugin: PluginFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check that components hold what their kinds promise, and say what to change if not."""
    from gantrans.testing.check import Unusable
    from gantrans.testing.target import subjects_of

    found = subjects_of(target, kind=kind, files=plugin or ())
    tables = _settings(set_ or [], [str(subject) for subject in found])
    for subject in found:
        subject.settings = tables.get(str(subject), {})
        if subject.settings:
            # A check says what is unusable; settings that are wrong are said here.
            with suppress(Unusable), redirect_stdout(sys.stderr):
                _ = subject.config
    results: list[dict[str, str]] = []
    while found:  # each is forgotten after its checks: networks are large
        results += _checked(found.pop(0), quiet=as_json)
    if as_json:
        typer.echo(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        say(_count(results))
    if any(result["status"] == "failed" for result in results):
        raise typer.Exit(1)


def _checked(subject: Subject, *, quiet: bool) -> Iterator[dict[str, str]]:
    """Run the checks of one component, and write each line as soon as it is known."""
    from gantrans.testing.kit import checks_of

    checks = checks_of(subject.kind)
    width = max(len(check.name) for check in checks)
    failures: list[tuple[Check, Outcome]] = []
    if not quiet:
        say(f"{subject.kind} {subject.name} ({subject.entry.origin})")
    for check in checks:
        outcome = check.of(subject)
        if outcome.status == "failed":
            failures.append((check, outcome))
        if not quiet:
            reason = f" ({outcome.message})" if outcome.status == "skipped" else ""
            say(f"  {check.name.ljust(width)}  {SHOWN[outcome.status]}{reason}")
        yield {
            "kind": subject.kind,
            "name": subject.name,
            "check": check.name,
            "title": check.title,
            "status": outcome.status,
            "message": outcome.message,
        }
    if not quiet:
        for check, outcome in failures:
            say(f"\n  {check.name}: {check.title}")
            say(textwrap.indent(outcome.message, "    "))
        say()


def _count(results: Sequence[dict[str, str]]) -> str:
    every = [result["status"] for result in results]
    counts = [f"{every.count(key)} {SHOWN[key].lower()}" for key in SHOWN if key in every]
    return f"{len(every)} checks: {', '.join(counts)}"


def _settings(given: Sequence[str], components: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`--set` values by component: `loss/vgg.weights=w.pth`, or `weights=w.pth` for a single one.

    Raises UsageError for one whose component is unknown or not said.
    """
    from gantrans.api.problem import nearest
    from gantrans.errors import UsageError
    from gantrans.spec.load import Source, override

    tables: dict[str, dict[str, Any]] = {}
    for setting in given:
        head = setting.partition("=")[0].partition(".")[0]
        if "/" in head:
            component, rest = head, setting[len(head) + 1 :]
            if component not in components:
                raise UsageError(
                    f"--set {setting}: no {component!r} is checked{nearest(component, components)}"
                    f" (there are: {', '.join(components)})"
                )
        elif len(components) > 1:
            raise UsageError(
                f"--set {setting}: say of which component, as in --set {components[0]}.{setting}"
            )
        else:
            component, rest = components[0], setting
        source = override(Source(tables.get(component, {}), "settings", Path.cwd()), [rest])
        tables[component] = source.table
    return tables
