"""A config field that holds "some component of this kind", by name or as a table.

`norm = "instance"` and `norm = { type = "instance", affine = true }` both become the config of the
named component, validated by its own `Config`. The look-up of names is given with the validation
(pydantic's context), so no registry is global. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from gantrans.api.component import ComponentConfig, Kind
from gantrans.api.problem import KeyPath, Problem, carried, problems, shown
from gantrans.errors import PluginError


class ComponentLookup(Protocol):
    """What a slot asks of the registry."""

    def config_class(self, kind: Kind, name: str) -> type[ComponentConfig]:
        """The config class of a component; raises PluginError for an unknown or broken one."""
        ...

    def names(self, kind: Kind) -> list[str]:
        """The names of one kind."""
        ...


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
            kind = value.component.kind if hasattr(value, "component") else "base class"
            if kind != self.kind:
                raise _failure((), f"a {kind}, not a {self.kind}")
            return value
        table = dict(value) if isinstance(value, Mapping) else {"type": value}
        path = ("type",) if isinstance(value, Mapping) else ()
        lookup: ComponentLookup | None = (info.context or {}).get("components")
        if lookup is None:
            raise _failure((), f"a {self.kind} is looked up in a registry: use registry.config()")
        name = table.pop("type", None)
        if not isinstance(name, str):
            found = "its `type` is missing" if name is None else f"found {shown(name)}"
            names = ", ".join(lookup.names(self.kind))
            raise _failure(path, f"{found}; give the name of a {self.kind} (there are: {names})")
        try:
            config_class = lookup.config_class(self.kind, name)
            return config_class.model_validate(table, context=info.context)
        except PluginError as error:
            raise _failure(path, str(error)) from None
        except ValidationError as error:
            raise carried(problems(error, config_class)) from None


def _failure(path: KeyPath, message: str) -> PydanticCustomError:
    return carried([Problem(path, message)])
