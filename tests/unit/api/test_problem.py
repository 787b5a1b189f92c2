from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gantrans.api.problem import nearest, problems


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    width: int = Field(1, ge=1, lt=100)
    rate: float = Field(1.0, gt=0, le=1)
    mode: Literal["transpose", "nearest"] = "nearest"
    flag: bool = True
    either: int | Literal["auto"] | None = None
    pair: tuple[int, int] = (1, 2)
    words: tuple[str, ...] = ()
    named: dict[str, int] = Field({}, min_length=1)
    text: str = Field("x", min_length=1, max_length=3)

    @field_validator("text")
    @classmethod
    def _no_y(cls, text: str) -> str:
        if "y" in text:
            raise ValueError("no y, please")
        return text

    @model_validator(mode="after")
    def _no_13(self) -> Inner:
        if self.width == 13:
            raise ValueError("13 brings bad luck")
        return self


class Outer(BaseModel):
    inner: Inner = Inner()
    maybe: Inner | None = None
    needed: int = Field(0, description="how many are needed")


def mistakes(table: dict[str, Any], model: type[BaseModel] = Outer) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(table)
    return {".".join(map(str, p.path)): p.message for p in problems(caught.value, model)}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("width", 0, "must be at least 1; found 0"),
        ("width", 100, "must be less than 100; found 100"),
        ("width", 2.5, "must be a whole number; found 2.5"),
        ("width", "wide", "must be a whole number; found 'wide'"),
        ("rate", 0, "must be greater than 0; found 0"),
        ("rate", 1.5, "must be at most 1; found 1.5"),
        ("rate", "fast", "must be a number; found 'fast'"),
        ("rate", float("nan"), "must be a finite number; found nan"),
        ("flag", "perhaps", "must be true or false; found 'perhaps'"),
        (
            "mode",
            "transposed",
            "must be 'transpose' or 'nearest'; found 'transposed'; did you mean 'transpose'?",
        ),
        ("mode", True, "must be 'transpose' or 'nearest'; found true"),
        ("words", "one", "must be a list; found 'one'"),
        ("pair", [1, 2, 3], "must have 2 or fewer entries; found 3"),
        ("named", {}, "must have 1 or more entries; found 0"),
        ("named", 5, "must be a table; found 5"),
        ("text", 5, "must be text in quotes; found 5"),
        ("text", "long", "must have at most 3 characters; found 'long'"),
        ("text", "y", "no y, please; found 'y'"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed_and_what_was_found(
    key: str, value: Any, message: str
) -> None:
    assert mistakes({"inner": {key: value}}) == {f"inner.{key}": message}
    assert mistakes({"maybe": {key: value}}) == {f"maybe.{key}": message}


def test_a_value_of_several_types_is_one_mistake_that_names_them_all() -> None:
    assert mistakes({"inner": {"either": "aut"}}) == {
        "inner.either": "must be a whole number, or must be 'auto'; found 'aut'; "
        "did you mean 'auto'?"
    }


def test_an_element_is_named_by_its_place() -> None:
    assert mistakes({"inner": {"pair": [1, "x"], "named": {"k": "z"}}}) == {
        "inner.pair.1": "must be a whole number; found 'x'",
        "inner.named.k": "must be a whole number; found 'z'",
    }


def test_a_table_that_is_none_is_told() -> None:
    assert mistakes({"inner": 5}) == {"inner": "must be a table; found 5"}


def test_a_mistake_of_a_whole_table_does_not_print_the_table() -> None:
    assert mistakes({"inner": {"width": 13}}) == {"inner": "13 brings bad luck"}


def test_an_unknown_key_gets_the_nearest_or_all_allowed_ones() -> None:
    assert mistakes({"inner": {"widht": 3}})["inner.widht"] == "unknown key; did you mean 'width'?"
    assert mistakes({"inner": {"zzz": 3}})["inner.zzz"] == (
        "unknown key; allowed: width, rate, mode, flag, either, pair, words, named, text"
    )


def test_a_missing_key_is_told_with_its_meaning() -> None:
    class Needy(BaseModel):
        needed: int = Field(description="how many are needed")

    assert mistakes({}, Needy) == {"needed": "missing (how many are needed)"}


def test_a_long_value_is_cut_short() -> None:
    message = mistakes({"inner": {"width": "x" * 1000}})["inner.width"]
    assert len(message) < 150
    assert message.endswith("...")


def test_nearest_stays_silent_about_far_names() -> None:
    assert nearest("wieght", ["weight", "every"]) == "; did you mean 'weight'?"
    assert nearest("qqq", ["weight", "every"]) == ""
