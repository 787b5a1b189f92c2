"""A config field that holds "some component of this kind", by name or as a table.

`norm = "instance"` and `norm = { type = "instance", affine = true }` both become the config of the
named component, validated by its own `Config`. The look-up of names is given with the validation
(pydantic's context), so no registry is global. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, cast

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from gantrans.api.component import ComponentConfig, Kind
from gantrans.errors import PluginError


class ComponentLookup(Protocol):
    """What a slot asks of the registry."""

    def config_class(self, kind: Kind, name: str) -> type[ComponentConfig]:
        """The config class of a component; raises PluginError for an unknown or broken one."""
        ...


@dataclass(frozen=True)
class Problem:
    """One mistake: the key path it concerns, and a message without the path."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True)
class Slot:
    """Annotation of a field that holds a component: `Annotated[LossConfig, Slot("loss")]`."""

    kind: Kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda config: config.model_dump(mode="json")
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # A marker: only the registry knows the components; spec/schema.py puts them in.
        return {"x-gantrans-kind": self.kind}

    def _validate(self, value: Any, info: ValidationInfo) -> ComponentConfig:
        if isinstance(value, ComponentConfig):
            if value.component.kind != self.kind:
                raise _failure([Problem((), f"a {value.component.kind}, not a {self.kind}")])
            return value
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, Mapping):
            raise _failure([Problem((), f"found {value!r}; give a {self.kind}'s name or a table")])
        table = dict(value)
        name = table.pop("type", None)
        if not isinstance(name, str):
            raise _failure([Problem(("type",), f"missing: which {self.kind}?")])
        lookup = (info.context or {}).get("components")
        if lookup is None:
            raise _failure(
                [Problem((), f"{name!r} is looked up in a registry: use registry.config(...)")]
            )
        try:
            config_class = cast(ComponentLookup, lookup).config_class(self.kind, name)
            return config_class.model_validate(table, context=info.context)
        except PluginError as error:
            path = ("type",) if "type" in value and not isinstance(value, str) else ()
            raise _failure([Problem(path, str(error))]) from None
        except ValidationError as error:
            raise _failure(problems(error, config_class)) from None


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every mistake in a pydantic error, those inside slots included, with whole key paths."""
    found: list[Problem] = []
    for detail in error.errors():
        path = tuple(detail["loc"])
        inner = detail.get("ctx", {}).get("problems")
        if inner is not None:
            found += [Problem(path + p.path, p.message) for p in inner]
        else:
            found.append(Problem(path, _explain(detail, model)))
    return found


def nearest(name: str, allowed: Sequence[str]) -> str:
    """'; did you mean ...?' for the closest allowed name, or nothing."""
    close = get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _failure(found: Sequence[Problem]) -> PydanticCustomError:
    text = "; ".join(".".join([*map(str, p.path), ""]) + " " + p.message for p in found)
    # The text is passed as context because pydantic would read braces in it as a template.
    return PydanticCustomError("component", "{text}", {"text": text, "problems": list(found)})


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One pydantic error in the words of someone who edits a TOML file."""
    if detail["type"] == "extra_forbidden":
        allowed = _keys_at(model, detail["loc"][:-1])
        hint = nearest(str(detail["loc"][-1]), allowed)
        return "unknown key" + (hint or (f"; allowed: {', '.join(allowed)}" if allowed else ""))
    if detail["type"] == "missing":
        return "missing"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "should")
    shown = repr(detail["input"])
    return f"{message}; found {shown if len(shown) <= 80 else shown[:77] + '...'}"


def _keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    for key in path:
        field = model.model_fields.get(str(key))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
