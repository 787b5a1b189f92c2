"""What a component is to who writes a spec: its documentation, presets and keys.

Imports no torch; the classes it describes may have.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot

_BOUNDS = {
    annotated_types.Ge: (">=", "ge"),
    annotated_types.Gt: (">", "gt"),
    annotated_types.Le: ("<=", "le"),
    annotated_types.Lt: ("<", "lt"),
}


@dataclass(frozen=True)
class Key:
    """One key of a table.

    Args:
        key: its path below the table, such as "transform.crop".
        type: what it holds, in words: `int >= 1`, `"transpose" | "nearest"`, `a normalizer`.
        default: its default as TOML; "required", or "absent" if leaving it out means something.
        meaning: its description.
    """

    key: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Description:
    """A component, for its user.

    Args:
        documentation: the docstring.
        file: where the class is.
        requires: of a loss, what it reads of a step beside the real images, with its defaults; of
            the other kinds None.
        presets: settings with a name, each as TOML.
        keys: what its table may hold.
    """

    documentation: str
    file: str
    requires: tuple[str, ...] | None
    presets: dict[str, str]
    keys: tuple[Key, ...]


def describe(component: type[Component]) -> Description:
    """What there is to say about a component."""
    return Description(
        inspect.cleandoc(component.__doc__ or ""),
        inspect.getfile(component),
        _requires(component),
        presets(component),
        tuple(keys(component.Config)),
    )


def presets(component: type[Component]) -> dict[str, str]:
    """The settings that each preset stands for: `{"6": "blocks = 6"}`."""
    return {
        name: ", ".join(f"{key} = {toml(value)}" for key, value in settings.items())
        for name, settings in component.presets.items()
    }


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key of a config, those of the tables inside it too."""
    for name, field in model.model_fields.items():
        inner = _table_in(field)
        if inner:
            yield from keys(inner, f"{prefix}{name}.")
        else:
            meaning = field.description or ""
            yield Key(prefix + name, _type_of(field), _default_of(field), meaning)


def type_name(annotation: Any) -> str:
    """A type in the words of the spec."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return "table"
        case None:
            return "path" if annotation is Path else getattr(annotation, "__name__", "any")
        case origin if origin is Annotated:
            slots = [m for m in arguments[1:] if isinstance(m, Slot)]
            return f"a {slots[0].kind}" if slots else type_name(arguments[0])
        case origin if origin is Literal:
            return " | ".join(toml(value) for value in arguments)
        case origin if origin in (Union, UnionType):
            return " | ".join(type_name(a) for a in arguments if a is not NoneType)
        case origin if origin is dict:
            return f"tables, each {type_name(arguments[1])}"
        case origin if origin is tuple and arguments[1:] != (...,):
            return f"[{', '.join(map(type_name, arguments))}]"
        case _:
            return f"list of {type_name(arguments[0])}"


def toml(value: Any) -> str:
    """A default as one would write it in the spec."""
    if isinstance(value, ComponentConfig):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        inside = ", ".join(f"{_toml_key(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007F")


def _toml_key(key: Any) -> str:
    """A key as it is, or in quotes where it has other characters than TOML's bare keys."""
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else toml(text)


def _table_in(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table with keys of its own, which a slot is not."""
    annotation: Any = field.annotation
    is_slot = any(isinstance(m, Slot) for m in field.metadata)
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model and not is_slot else None


def _type_of(field: FieldInfo) -> str:
    for extra in field.metadata:
        if isinstance(extra, Slot):
            return f"a {extra.kind}"
    bounds = [
        f"{sign} {toml(getattr(extra, attribute))}"
        for extra in field.metadata
        for bound, (sign, attribute) in _BOUNDS.items()
        if isinstance(extra, bound)
    ]
    return " ".join([type_name(field.annotation), ", ".join(bounds)]).strip()


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    try:
        default = field.get_default(call_default_factory=True)
    except Exception:  # a factory of anyone's
        return "computed"
    return "absent" if default is None else toml(default)


def _requires(component: type[Component]) -> tuple[str, ...] | None:
    """Settings may choose what a loss reads, so its config is asked."""
    if component.kind != "loss":
        return None
    try:
        config: Any = component.Config()
    except ValidationError:  # it has keys without a default
        config = component
    return tuple(sorted(config.requires))
