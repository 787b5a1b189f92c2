"""Table: the base of whatever a table of the spec becomes. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema, PydanticKnownError
from pydantic_core.core_schema import no_info_before_validator_function

STRICT = ("int", "float", "bool")
"""Types of pydantic-core that are made strict: then "10", 10 and true are three things."""

DATA = ("default", "metadata", "serialization")
"""Keys of a core schema that hold no schemas of what is validated."""


def _strict(part: Any) -> Any:
    """A copy of a core schema, or of a part of one, whose numbers and truths are strict."""
    if isinstance(part, list | tuple):
        return type(part)(map(_strict, part))
    if not isinstance(part, dict):
        return part
    kind = part.get("type")  # a mapping of fields, too, may have a key "type"
    copy = {
        key: value if isinstance(kind, str) and key in DATA else _strict(value)
        for key, value in part.items()
    }
    if kind in STRICT:
        return {**copy, "strict": True}
    if kind == "literal" and {*map(type, copy["expected"])} == {int}:
        return no_info_before_validator_function(_not_truth, copy)
    return copy


def _not_truth(value: Any) -> Any:
    if isinstance(value, bool):  # Python takes true for 1, and Literal[1] with it
        raise PydanticKnownError("int_type")
    return value


class Table(BaseModel):
    """Frozen, without unknown keys, and with numbers and truths that are such: "10" is not 10.

    Everything else is converted as by pydantic: a list becomes a tuple, text becomes a path.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make numbers and truths strict; pydantic's `strict` would refuse lists for tuples too."""
        schema: CoreSchema = _strict(handler(source))
        return schema

    @field_validator("*", mode="before")
    @classmethod
    def _of_the_default_type(cls, value: Any, info: ValidationInfo) -> Any:
        """A component's table without `type` is of the type that the field has by default."""
        field = cls.model_fields[str(info.field_name)]
        of_component = isinstance(field.annotation, type) and issubclass(field.annotation, Table)
        if of_component and isinstance(field.default, str) and isinstance(value, Mapping):
            return {"type": field.default, **value}
        return value
