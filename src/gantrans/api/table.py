"""Table: the base of whatever a table of the spec becomes. Imports no torch."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError


class Table(BaseModel):
    """Frozen, without unknown keys, and with numbers that are numbers: true is not 1."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python takes true for 1 and false for 0, and pydantic follows it."""
        if _has_truth(value):
            wanted = _plain_types(cls.model_fields[str(info.field_name)].annotation)
            if wanted & {int, float} and bool not in wanted:
                raise PydanticKnownError("float_type" if float in wanted else "int_type")
        return value


def _has_truth(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return (
        any(map(_has_truth, value)) if isinstance(value, list | tuple) else isinstance(value, bool)
    )


def _plain_types(annotation: Any) -> set[Any]:
    """The types that an annotation is made of, those of literals too."""
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    inner = get_args(annotation)
    return set().union(*map(_plain_types, inner)) if inner else {annotation}
