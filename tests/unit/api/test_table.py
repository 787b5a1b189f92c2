from __future__ import annotations

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


@pytest.mark.parametrize(
    ("table", "path", "message"),
    [
        ({"count": True}, ("count",), "must be a whole number; found true"),
        ({"count": False}, ("count",), "must be a whole number; found false"),
        ({"rate": True}, ("rate",), "must be a number; found true"),
        ({"side": True}, ("side",), "must be a whole number; found true"),
        ({"side": [True, 8]}, ("side",), "must be a whole number; found [true, 8]"),
        ({"betas": [0.5, True]}, ("betas",), "must be a number; found [0.5, true]"),
        ({"channels": True}, ("channels",), "must be a whole number; found true"),
        ({"inner": {"depth": True}}, ("inner", "depth"), "must be a whole number; found true"),
    ],
)
def test_true_and_false_are_no_numbers(
    table: dict[str, Any], path: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(table)
    [problem] = problems(caught.value, Settings)
    assert (problem.path, problem.message) == (path, message)


@pytest.mark.parametrize(
    "table",
    [
        {"switch": True}, {"compile": True}, {"compile": False}, {"either": True}, {"free": True},
        {"count": 2}, {"rate": 1}, {"rate": None}, {"side": [2, 3]}, {"betas": [0, 1.5]},
    ],
)  # fmt: skip
def test_what_may_be_true_may_be_and_whole_numbers_are_numbers(table: dict[str, Any]) -> None:
    [(key, value)] = table.items()
    found = getattr(Settings.model_validate(table), key)
    assert found == (tuple(value) if isinstance(value, list) else value)
    assert isinstance(value, bool) == isinstance(found, bool)


def test_every_config_of_a_component_and_section_of_a_spec_is_such_a_table() -> None:
    from gantrans.api.component import ComponentConfig
    from gantrans.api.transform import Jitter, Transform
    from gantrans.builtins.datasets.channels import Channels
    from gantrans.spec.model import Domains, Init, Optimizer, RunSpec, Train

    for part in (
        ComponentConfig, Jitter, Transform, Channels, Domains, Init, Optimizer, RunSpec, Train
    ):  # fmt: skip
        assert issubclass(part, Table)
