from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gantrans.api.loss import LossConfig
from gantrans.api.normalizer import NormalizerConfig, NormalizerSlot
from gantrans.api.problem import problems
from gantrans.plugin.registry import Registry


class Network(BaseModel):
    norm: NormalizerSlot


def mistakes(value: Any, registry: Registry | None) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Network.model_validate({"norm": value}, context={"components": registry})
    return [(".".join(map(str, p.path)), p.message) for p in problems(caught.value, Network)]


@pytest.mark.parametrize("value", ["instance", {"type": "instance"}])
def test_a_name_and_a_table_with_that_type_are_the_same(value: Any, builtins: Registry) -> None:
    network = Network.model_validate({"norm": value}, context={"components": builtins})
    assert network.norm == builtins.config("normalizer", "instance")


def test_a_table_holds_the_settings_of_its_component(builtins: Registry) -> None:
    table = {"norm": {"type": "group", "groups": 4}}
    network = Network.model_validate(table, context={"components": builtins})
    assert network.norm.groups == 4  # type: ignore[attr-defined]
    assert network.model_dump() == table


def test_a_config_is_taken_as_it_is(builtins: Registry) -> None:
    config = builtins.config("normalizer", "batch")
    assert Network.model_validate({"norm": config}).norm is config


def test_a_config_of_another_kind_is_refused(builtins: Registry) -> None:
    loss = builtins.config("loss", "cycle")
    assert mistakes(loss, builtins) == [("norm", "a loss, not a normalizer")]


@pytest.mark.parametrize("base", [NormalizerConfig(), LossConfig()])
def test_a_config_that_belongs_to_no_component_is_refused(base: Any, builtins: Registry) -> None:
    assert mistakes(base, builtins) == [("norm", "a base class, not a normalizer")]


ALL = "give the name of a normalizer (there are: batch, group, instance, layer, none)"


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (5, "norm", f"found 5; {ALL}"),
        (True, "norm", f"found true; {ALL}"),
        ([], "norm", f"found []; {ALL}"),
        ({}, "norm.type", f"its `type` is missing; {ALL}"),
        ({"affine": True}, "norm.type", f"its `type` is missing; {ALL}"),
        ({"type": 3}, "norm.type", f"found 3; {ALL}"),
        ({"type": {}}, "norm.type", f"found a table; {ALL}"),
    ],
)
def test_what_names_no_component_gets_the_names_that_there_are(
    value: Any, path: str, message: str, builtins: Registry
) -> None:
    assert mistakes(value, builtins) == [(path, message)]


@pytest.mark.parametrize(
    ("value", "path"), [("instnce", "norm"), ({"type": "instnce"}, "norm.type")]
)
def test_an_unknown_name_is_located_where_it_is_written(
    value: Any, path: str, builtins: Registry
) -> None:
    [(where, message)] = mistakes(value, builtins)
    assert where == path
    assert message.startswith("no normalizer is called 'instnce'; did you mean 'instance'?")


def test_every_mistake_inside_a_slot_keeps_its_whole_path(builtins: Registry) -> None:
    found = mistakes({"type": "group", "groups": 0, "grops": 3}, builtins)
    assert dict(found) == {
        "norm.groups": "must be at least 1; found 0",
        "norm.grops": "unknown key; did you mean 'groups'?",
    }


def test_braces_in_a_value_survive_into_the_message(builtins: Registry) -> None:
    [(_, message)] = mistakes("{text}", builtins)
    assert "'{text}'" in message


def test_without_a_registry_the_message_says_how_to_get_one() -> None:
    [(path, message)] = mistakes("instance", None)
    assert path == "norm"
    assert "registry.config()" in message
