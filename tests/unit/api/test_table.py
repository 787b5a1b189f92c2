from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError

from gantrans.api.problem import problems
from gantrans.api.table import Table


class Inner(Table):
    depth: int = 1


class Settings(Table):
    count: int = Field(1, ge=0)
    rate: float | None = None
    side: int | tuple[int, int] = 8
    betas: tuple[float, ...] = ()
    channels: Literal[1, 3] = 3
    switch: bool = False
    compile: Literal["auto"] | bool = "auto"
    either: bool | int = 0
    text: str = ""
    free: Any = None
    inner: Inner = Inner()
    several: dict[str, Inner] = {}
    folder: Path = Path()
    type: int = 0
    default: int = 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("count", True), ("count", False), ("count", "1"), ("count", 1.0), ("count", [1]),
        ("rate", True), ("rate", "0.5"), ("rate", 10**400),
        ("side", True), ("side", "8"), ("side", [True, 8]), ("side", ["8", 8]),
        ("betas", [0.5, True]), ("betas", ["0.5"]),
        ("channels", True), ("channels", "1"),
        ("switch", 1), ("switch", "true"), ("switch", "no"), ("switch", 0.0),
        ("compile", "yes"), ("compile", 1), ("either", "1"),
        ("inner", {"depth": True}), ("inner", {"depth": "1"}),
        ("several", {"x": {"depth": "1"}}),
        ("type", "1"), ("default", "1"),
    ],
)  # fmt: skip
def test_numbers_and_truths_are_no_others_and_no_text(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({key: value})
    paths = {problem.path[0] for problem in problems(caught.value, Settings)}
    assert paths == {key}


def test_what_is_wanted_is_said_in_the_words_of_a_spec() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"count": "10", "rate": "x", "switch": "no", "betas": [0.5, "1"]})
    found = {p.path: p.message for p in problems(caught.value, Settings)}
    assert found == {
        ("count",): "must be a whole number; found '10'",
        ("rate",): "must be a number; found 'x'",
        ("switch",): "must be true or false; found 'no'",
        ("betas", 1): "must be a number; found '1'",
    }


@pytest.mark.parametrize(
    "table",
    [
        {"switch": True}, {"compile": True}, {"compile": False}, {"either": True}, {"free": True},
        {"count": 2}, {"rate": 1}, {"rate": None}, {"side": [2, 3]}, {"betas": [0, 1.5]},
        {"channels": 1}, {"text": "1"}, {"free": "1"}, {"compile": "auto"}, {"either": 2},
    ],
)  # fmt: skip
def test_what_may_be_true_may_be_and_whole_numbers_are_numbers(table: dict[str, Any]) -> None:
    [(key, value)] = table.items()
    found = getattr(Settings.model_validate(table), key)
    assert found == (tuple(value) if isinstance(value, list) else value)
    assert isinstance(value, bool) == isinstance(found, bool)


def test_the_rest_is_converted_as_by_pydantic() -> None:
    assert Settings.model_validate({"folder": "here"}).folder == Path("here")
    assert Settings.model_validate({"betas": [1, 2]}).betas == (1.0, 2.0)


def test_every_config_of_a_component_and_section_of_a_spec_is_such_a_table() -> None:
    from gantrans.api.component import ComponentConfig
    from gantrans.api.transform import Jitter, Transform
    from gantrans.builtins.datasets.channels import Channels
    from gantrans.spec.model import Domains, Init, Optimizer, RunSpec, Train

    for part in (
        ComponentConfig, Jitter, Transform, Channels, Domains, Init, Optimizer, RunSpec, Train
    ):  # fmt: skip
        assert issubclass(part, Table)
