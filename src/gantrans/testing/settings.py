"""What the settings of every component hold."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gantrans.api.slot import Slot
from gantrans.errors import GantransError
from gantrans.spec.describe import toml
from gantrans.testing.check import CheckFailed, need
from gantrans.testing.subject import Subject


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
        subject.validated({**subject.settings, "no_such_setting": 1})
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
            subject.validated({**subject.settings, "preset": name})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in error.errors())
            raise CheckFailed(
                f"the preset {name!r} ({toml(dict(settings))}) is refused by its Config: {wrong}; "
                "correct it in `presets`"
            ) from None


def _configs(subject: Subject) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """The settings under test and its presets, each with its config."""
    yield subject.settings, subject.config
    for name in subject.component.presets:
        settings = {**subject.settings, "preset": name}
        try:
            config = subject.validated(settings)
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
        again = subject.validated({k: v for k, v in written.items() if k != "type"})
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
