"""What is wrong in a spec, in the words of someone who edits a TOML file. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

KeyPath = tuple[str | int, ...]

_WORDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be {expected}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} or fewer entries",
}


MOST = 100
"""Mistakes that are told one by one."""

LONGEST = 100
"""Characters of a name that are compared with others."""


@dataclass(frozen=True)
class Problem:
    """One mistake: the key path it concerns, and a message without the path."""

    path: KeyPath
    message: str


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """The mistakes in a pydantic error of `model`, those inside slots included."""
    found: list[Problem] = []
    wanted: dict[KeyPath, list[str]] = {}
    shown: dict[KeyPath, str] = {}
    details = error.errors()
    for detail in details[:MOST]:
        path, parent, field = _place(model, detail["loc"])
        inner = detail.get("ctx", {}).get("problems")
        if inner is not None:
            found += [Problem(path + p.path, p.message) for p in inner]
            continue
        # A union gives an error for each of its members: one mistake, all that is allowed.
        wanted.setdefault(path, []).append(_wanted(detail, path, parent, field))
        shown[path] = _found(detail)
    if len(details) > MOST:
        found.append(Problem((), f"and {len(details) - MOST} more mistakes"))
    return found + [
        Problem(path, ", or ".join(dict.fromkeys(said)) + shown[path])
        for path, said in wanted.items()
    ]


def carried(found: Sequence[Problem]) -> PydanticCustomError:
    """Mistakes below the value that a validator looks at, for it to raise: each keeps its path."""
    text = "; ".join(".".join([*map(str, p.path), ""]) + " " + p.message for p in found)
    # The text is passed as context because pydantic would read braces in it as a template.
    return PydanticCustomError("component", "{text}", {"text": text, "problems": list(found)})


def nearest(name: str, allowed: Sequence[str]) -> str:
    """'; did you mean ...?' for the closest allowed name, or nothing."""
    close = get_close_matches(name[:LONGEST], allowed, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def shown(value: Any) -> str:
    """A value as a message shows it: as in TOML, and not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | BaseModel):
        return "a table"
    text = f"[{', '.join(map(shown, value))}]" if isinstance(value, list | tuple) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _wanted(
    detail: ErrorDetails,
    path: KeyPath,
    parent: type[BaseModel] | None,
    field: FieldInfo | None,
) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    component = getattr(parent, "component", None)
    if kind == "extra_forbidden" and path[-1] == "preset" and component is not None:
        known = list(component.presets)
        there = f"there are: {', '.join(known)}" if known else "it has none"
        hint = nearest(str(detail["input"]), known)
        return f"no preset is called {shown(detail['input'])}{hint} ({there})"
    if kind == "extra_forbidden":
        allowed = list(parent.model_fields) if parent else []
        # Where a table says no `type`, its author may not know which component this is.
        has = f"the {component.kind} {component.name!r} has" if component else "allowed"
        there = f"; {has}: {', '.join(allowed)}" if allowed else f"; {has} none" * bool(component)
        return "unknown key" + (nearest(str(path[-1]), allowed) or there)
    if kind == "missing":
        return "missing" + (f" ({field.description})" if field and field.description else "")
    if kind in _WORDS:
        bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
        return _WORDS[kind].format(**bounds)
    return re.sub(r"^(?:Value error, |\w+ (?=should ))", "", detail["msg"])


def _found(detail: ErrorDetails) -> str:
    value, kind, context = detail["input"], detail["type"], detail.get("ctx", {})
    if kind in ("extra_forbidden", "missing"):
        return ""
    if kind in ("value_error", "assertion_error") and isinstance(value, Mapping | BaseModel):
        return ""  # about a table as a whole: the message says which keys
    if "actual_length" in context and not isinstance(value, str):
        return f"; found {context['actual_length']}"
    options = re.findall(r"'([^']*)'", context.get("expected", ""))
    return f"; found {shown(value)}" + (nearest(value, options) if isinstance(value, str) else "")


def _place(
    model: type[BaseModel], location: Sequence[str | int]
) -> tuple[KeyPath, type[BaseModel] | None, FieldInfo | None]:
    """The key path of a pydantic location, the model that has its last key, and that key's field.

    A location also names members of unions ("int") and keys ("[key]"), which no file has.
    """
    path: KeyPath = ()
    here: Any = model
    parent: type[BaseModel] | None = None
    field: FieldInfo | None = None
    for step in location:
        if step == "[key]":
            continue
        here = _plain(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            parent, field = here, here.model_fields.get(str(step))
            here = field.annotation if field else None
        elif get_origin(here) is dict:
            parent = field = None
            here = get_args(here)[1]
        elif isinstance(step, int):
            parent = field = here = None
        else:
            continue
        path += (step,)
    return path, parent, field


def _plain(annotation: Any) -> Any:
    """The type inside Annotated and beside None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    members = [a for a in get_args(annotation) if a is not NoneType]
    if len(members) == 1 and NoneType in get_args(annotation):
        return _plain(members[0])
    return annotation
