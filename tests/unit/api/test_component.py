from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from gantrans.api.component import Component, ComponentConfig, ComponentRef
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.normalizer import Normalizer, NormalizerConfig


class Edge(Normalizer):
    """Keep the edges.

    More about it.
    """

    name = "edge"

    class Config(NormalizerConfig):
        sigma: float = Field(1.0, gt=0, description="blur in pixels")


def test_a_config_builds_its_own_component() -> None:
    config = Edge.Config(sigma=2)
    built = config.build()
    assert isinstance(built, Edge)
    assert built.config is config


def test_what_is_known_at_run_time_is_passed_on_and_not_stored() -> None:
    class Sized(Component):
        kind = "loss"
        name = "sized"

        def __init__(self, config: Any, *, channels: int) -> None:
            super().__init__(config)
            self.channels = channels

    config = Sized.Config()
    assert config.build(channels=3).channels == 3
    assert config.model_dump() == {"type": "sized"}


def test_a_component_without_settings_gets_those_of_its_kind() -> None:
    class Plain(Loss):
        name = "plain"

    assert Plain.Config is not LossConfig
    assert set(Plain.Config.model_fields) == set(LossConfig.model_fields)
    assert Plain.Config().component is Plain


def test_a_derived_component_derives_its_settings() -> None:
    class Softer(Edge):
        name = "softer"

    assert Softer.Config(sigma=3).component is Softer
    assert Edge.Config().component is Edge


def test_a_config_is_frozen_and_forbids_unknown_keys() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Edge.Config().sigma = 2.0
    with pytest.raises(ValidationError, match="Extra inputs"):
        Edge.Config(sgima=2.0)
    with pytest.raises(ValidationError, match="finite"):
        Edge.Config(sigma=float("inf"))


def test_a_dump_begins_with_the_type() -> None:
    assert list(Edge.Config().model_dump()) == ["type", "sigma"]


def test_the_summary_is_the_first_line_of_the_docstring() -> None:
    class Silent(Edge):
        name = "silent"

    assert Edge.summary() == "Keep the edges."
    assert Silent.summary() == ""


class Stranger(ComponentConfig):
    pass


class Typed(NormalizerConfig):
    type: str = "x"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "x", "Config": Stranger}, "must be a class derived from NormalizerConfig"),
        ({"name": "x", "Config": dict}, "must be a class derived from NormalizerConfig"),
        ({"name": "x", "Config": Typed()}, "must be a class derived from NormalizerConfig"),
        ({"name": "x", "Config": Edge.Config}, "derive a class of its own"),
        ({"name": "x", "Config": NormalizerConfig}, "derive a class of its own"),
        ({"name": "x", "Config": Typed}, "'type' is reserved"),
        ({"name": "Not A Name"}, "use lower_case letters"),
    ],
)
def test_a_wrong_pairing_is_refused_when_the_class_is_defined(
    body: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        type("Wrong", (Normalizer,), body)
    assert Edge.Config.component is Edge


def test_a_component_of_no_kind_is_refused_when_the_class_is_defined() -> None:
    with pytest.raises(TypeError, match="of no kind"):
        type("Kindless", (Component,), {"name": "kindless"})


@pytest.mark.parametrize(
    "arguments",
    [
        ("generators", "x", "a:B"),
        ("generator", "", "a:B"),
        ("generator", "x-y", "a:B"),
        ("generator", "x", "a"),
        ("generator", "x", "a:B:C"),
    ],
)
def test_a_wrong_reference_is_refused_where_it_is_made(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"kind|name|target"):
        ComponentRef(*arguments)
