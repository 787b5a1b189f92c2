"""What every component holds: it loads, says what it is, and its settings are safe."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gantrans.api.slot import Slot
from gantrans.errors import GantransError
from gantrans.spec.describe import toml
from gantrans.testing.check import Check, CheckFailed, Skipped, checks, need
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
    """The module of its plugin's hook imports no torch, so that every command stays quick."""
    origin = subject.entry.origin
    if origin.file:
        raise Skipped("a one-file plugin is imported only by who names it")
    # Only the first plugin of a process to import torch is noted, and this process may have it.
    for module in _hook_modules(origin.name):
        need(
            not _imports_torch(module),
            f"{module}, the module of its hook, imports torch: import there only gantrans and "
            "what it needs to name the components, and the rest in the components' own modules",
        )


def settings_are_described(subject: Subject) -> None:
    """Every setting has a description, those of the tables inside it too."""
    silent = [key for key, text in _descriptions(subject.component.Config) if not text.strip()]
    need(
        not silent,
        f'no description of {", ".join(silent)}: write Field(..., description="what it does, '
        'with its unit")',
    )


def settings_survive_json(subject: Subject) -> None:
    """Its settings, written to JSON and read again, are the same."""
    for settings, config in _configs(subject):
        _round_trip(subject, config, settings, "JSON", lambda table: json.loads(json.dumps(table)))


def settings_survive_toml(subject: Subject) -> None:
    """Its settings, written as the TOML of a spec and read again, are the same."""

    def through_toml(table: Mapping[str, Any]) -> Any:
        lines = [f"{key} = {toml(value)}" for key, value in table.items()]
        return tomllib.loads("\n".join(lines))

    for settings, config in _configs(subject):
        _round_trip(subject, config, settings, "TOML", through_toml)


def settings_are_checked(subject: Subject) -> None:
    """Its settings cannot be changed once made, and a key that it does not know is refused."""
    config, component = subject.config, subject.component
    for key in type(config).model_fields:
        try:
            setattr(config, key, getattr(config, key))
        except ValidationError:
            continue
        raise CheckFailed(
            f"{component.__name__}.Config lets {key!r} be changed: leave frozen=True in its "
            "model_config"
        )
    try:
        component.Config.model_validate(
            {**subject.settings, "no_such_setting": 1}, context={"components": subject.registry}
        )
    except ValidationError as error:
        if any(d["type"] == "extra_forbidden" for d in error.errors()):
            return
    raise CheckFailed(
        f"{component.__name__}.Config takes the unknown key 'no_such_setting', so a misspelt one "
        'would go unnoticed: leave extra="forbid" in its model_config'
    )


def presets_are_valid(subject: Subject) -> None:
    """Each of its presets makes valid settings."""
    for name, settings in subject.component.presets.items():
        try:
            _validated(subject, {**subject.settings, "preset": name})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in error.errors())
            raise CheckFailed(
                f"the preset {name!r} ({toml(dict(settings))}) is refused by its Config: {wrong}; "
                "correct it in `presets`"
            ) from None


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


def _configs(subject: Subject) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """The settings under test and its presets, each with its config."""
    yield subject.settings, subject.config
    for name in subject.component.presets:
        settings = {**subject.settings, "preset": name}
        try:
            config = _validated(subject, settings)
        except ValidationError:
            continue  # see presets_are_valid
        yield settings, config


def _round_trip(subject: Subject, config: Any, settings: Any, form: str, through: Any) -> None:
    table = _without_none(config.model_dump(mode="json"))
    advice = (
        f"; let its fields hold what {form} has (text, numbers, true and false, lists, tables), "
        "and let validators take what they made"
    )
    try:
        written = through(table)
        again = _validated(subject, {k: v for k, v in written.items() if k != "type"})
    except (GantransError, ValueError, TypeError) as error:
        raise CheckFailed(
            f"its settings {settings or '(the defaults)'} cannot be read again from {form}: "
            f"{error}{advice}"
        ) from None
    for key in type(config).model_fields:
        before, after = getattr(config, key), getattr(again, key)
        need(
            bool(before == after),
            f"{key} = {before!r} becomes {after!r} when it is written as {form} and read{advice}",
        )


def _validated(subject: Subject, settings: Mapping[str, Any]) -> Any:
    return subject.component.Config.model_validate(
        settings, context={"components": subject.registry}
    )


def _without_none(value: Any) -> Any:
    """What TOML can say: an absent value is a key that is not there."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _descriptions(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a config and of the tables in it, with its description."""
    for key, field in model.model_fields.items():
        yield f"{prefix}{key}", field.description or ""
        if not any(isinstance(extra, Slot) for extra in field.metadata):
            for inner in _tables(field.annotation):
                yield from _descriptions(inner, f"{prefix}{key}.")


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type; a slot's are described where that component is."""
    if get_origin(annotation) is Annotated:
        if not any(isinstance(extra, Slot) for extra in get_args(annotation)[1:]):
            yield from _tables(get_args(annotation)[0])
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for inner in get_args(annotation):
            yield from _tables(inner)


@cache
def _hook_modules(distribution: str) -> tuple[str, ...]:
    from importlib.metadata import entry_points

    points = entry_points(group="gantrans")
    return tuple(p.module for p in points if p.dist is not None and p.dist.name == distribution)


@cache
def _imports_torch(module: str) -> bool:
    code = f"import sys; sys.path[:] = {sys.path!r}; import {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.split()[-1:] == ["True"]


CHECKS: tuple[Check, ...] = checks(
    None,
    loads,
    says_what_it_is,
    is_listed_without_torch,
    settings_are_described,
    settings_survive_json,
    settings_survive_toml,
    settings_are_checked,
    presets_are_valid,
    builds,
)
