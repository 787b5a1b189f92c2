"""What every component holds: it loads, says what it is, and can be built."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from gantrans.api.component import Kind, plural
from gantrans.testing import settings
from gantrans.testing.check import Check, Skipped, checks, need
from gantrans.testing.subject import Subject


def loads(subject: Subject) -> None:
    """Its code can be imported, and is what its plugin registers; no other plugin has its name."""
    assert subject.component
    conflict = subject.registry.conflict(subject.entry)
    need(not conflict, f"{conflict}: rename it, or leave out the other plugin")


def says_what_it_is(subject: Subject) -> None:
    """It has a summary of one line, and a docstring that begins with a sentence."""
    ref, component = subject.entry.ref, subject.component
    called = component.__name__
    own = vars(component).get("__doc__") or ""
    need(bool(own.strip()), f"{called} has no docstring: say in a sentence what it does")
    need(
        component.summary().endswith("."),
        f"the docstring of {called} begins with {component.summary()!r}: make its first line a "
        "whole sentence that ends with a full stop",
    )
    need(bool(ref.summary.strip()), "it has no summary: give its ComponentRef one line of text")
    need("\n" not in ref.summary, "the summary of its ComponentRef has several lines: keep one")


def is_listed_without_torch(subject: Subject) -> None:
    """The hook of its plugin, imported and called, imports no torch: every command stays quick."""
    origin = subject.entry.origin
    if origin.file:
        raise Skipped("a one-file plugin is imported only by who names it")
    need(
        not _imports_torch(origin.name),
        f"the hook of {origin.name} imports torch when it is imported or called: import there only "
        "gantrans and what it needs to name the components, and the rest in the components' own "
        "modules",
    )


def builds(subject: Subject) -> None:
    """It can be built from its defaults, or with the settings that were given."""
    match subject.kind:
        case "generator":
            subject.build(in_channels=3, out_channels=3)
        case "discriminator":
            subject.build(in_channels=3)
        case "dataset":
            subject.build(base_dir=subject.base_dir)
        case "tracker":
            subject.build(run_dir=subject.folder("built"), start_step=0).close()
        case "method":
            from gantrans.testing.small_run import job

            job(subject)
        case _:
            subject.build()


def leaves_its_settings_alone(subject: Subject) -> None:
    """Its settings are afterwards as they were, when it was built and used."""
    config = subject.config
    with suppress(Exception):  # what it raises, the checks of its kind say
        home(subject.kind).use(subject)
    before, after = subject.validated(subject.settings).model_dump(), config.model_dump()
    changed = [key for key, value in before.items() if value != after[key]]
    need(
        not changed,
        f"it changes self.config.{', self.config.'.join(changed)}, from which others are built and "
        "which is saved with a run: work on a copy, such as sorted(...) or list(...)",
    )


def home(kind: Kind) -> Any:
    """The module of a kind: its `CHECKS`, and `use`, which uses a component once."""
    return import_module(f"gantrans.testing.{plural(kind)}")


@cache
def _imports_torch(distribution: str) -> bool:
    """In a new process, since this one may have imported torch already."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from gantrans.plugin.manager import load_registry\n"
        f"plugins = load_registry(environ={{'GANTRANS_PLUGINS': {distribution!r}}}).plugins\n"
        "print(any(plugin.imports_torch for plugin in plugins))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    need(done.returncode == 0, f"a new process that loads {distribution} fails: {said}")
    return done.stdout.split()[-1:] == ["True"]


CHECKS: tuple[Check, ...] = checks(
    None,
    loads,
    says_what_it_is,
    is_listed_without_torch,
    settings.settings_are_described,
    settings.settings_survive_json,
    settings.settings_survive_toml,
    settings.settings_are_checked,
    settings.presets_are_valid,
    builds,
    leaves_its_settings_alone,
)
