"""What a spec says otherwise than its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from gantrans.api.component import ComponentConfig
from gantrans.spec.model import RunSpec


class Change(TypedDict):
    """A key with its value and its default as JSON; None where there is no default."""

    key: str
    value: Any
    default: Any


def changed(spec: RunSpec) -> list[Change]:
    """Every key whose value is not its default, in the order of the spec.

    A component of another type counts as one change, its settings are compared with the defaults
    of its own type. Of tables with free keys, such as `losses`, the keys are compared.
    """
    return list(_model(spec, ()))


def _model(model: BaseModel, path: tuple[str, ...], other: Any = None) -> Iterator[Change]:
    """The fields of a model; `other` is the table that is its default, if there is one."""
    given = other if isinstance(other, Mapping) else {}
    for name, field in type(model).model_fields.items():
        default = given.get(name, field.get_default(call_default_factory=True))
        default = None if default is PydanticUndefined else default
        yield from _value(getattr(model, name), default, (*path, name))


def _value(value: Any, default: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(value, ComponentConfig):
        own, usual = _type(value), _type(default)
        if own != usual:
            yield _change((*path, "type"), own, usual)
            default = None
        elif isinstance(default, ComponentConfig):
            default = default.model_dump()
        yield from _model(value, path, default)
    elif isinstance(value, BaseModel):
        yield from _model(value, path, default)
    elif isinstance(value, dict) and any(isinstance(v, ComponentConfig) for v in value.values()):
        tables = default if isinstance(default, Mapping) else {}
        if list(value) != list(tables):
            yield _change(path, list(value), list(tables) or None)
        for key, inner in value.items():
            yield from _value(inner, {"type": key, **tables.get(key, {})}, (*path, key))
    elif to_jsonable_python(value) != to_jsonable_python(default):
        yield _change(path, value, default)


def _type(default: Any) -> str | None:
    if isinstance(default, ComponentConfig):
        name: str = default.component.name
        return name
    found = default.get("type") if isinstance(default, Mapping) else default
    return found if isinstance(found, str) else None


def _change(path: tuple[str, ...], value: Any, default: Any) -> Change:
    return Change(
        key=".".join(path), value=to_jsonable_python(value), default=to_jsonable_python(default)
    )
