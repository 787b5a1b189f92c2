from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from gantrans.api.loss import LossSlot
from gantrans.api.normalizer import NormalizerSlot
from gantrans.plugin.registry import Registry
from gantrans.spec.describe import Key, keys
from gantrans.spec.model import RunSpec


class Inner(BaseModel):
    crop: int | None = Field(None, ge=1, description="side in pixels")


class Model(BaseModel):
    count: int = Field(description="how many")
    share: float = Field(0.5, ge=0, lt=1, description="how much")
    mode: Literal["transpose", "nearest"] = Field("nearest", description="which")
    norm: NormalizerSlot = Field("instance", description="normalisation")
    losses: dict[str, LossSlot] = Field({"cycle": {}}, description="terms")
    pair: tuple[float, float] = Field((0.5, 1.0), description="two")
    words: tuple[str, ...] = Field((), description="some")
    either: int | Literal["auto"] = Field("auto", description="one or the other")
    where: Path | None = Field(None, description="a file")
    inner: Inner = Field(default_factory=Inner, description="a table")


def test_keys_are_described_in_the_words_of_the_spec() -> None:
    assert list(keys(Model)) == [
        Key("count", "int", "required", "how many"),
        Key("share", "float >= 0, < 1", "0.5", "how much"),
        Key("mode", '"transpose" | "nearest"', '"nearest"', "which"),
        Key("norm", "a normalizer", '"instance"', "normalisation"),
        Key("losses", "tables, each a loss", "{ cycle = {} }", "terms"),
        Key("pair", "[float, float]", "[0.5, 1.0]", "two"),
        Key("words", "list of str", "[]", "some"),
        Key("either", 'int | "auto"', '"auto"', "one or the other"),
        Key("where", "path", "absent", "a file"),
        Key("inner.crop", "int >= 1", "absent", "side in pixels"),
    ]


def test_every_key_of_the_spec_has_a_meaning() -> None:
    assert [key.key for key in keys(RunSpec) if not key.meaning] == []


def models_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    inner = [f.annotation for f in model.model_fields.values()]
    found = [a for a in inner if isinstance(a, type) and issubclass(a, BaseModel)]
    return [model, *(m for one in found for m in models_in(one))]


def test_every_field_of_every_component_has_a_description(builtins: Registry) -> None:
    configs = [builtins.config_class(e.ref.kind, e.ref.name) for e in builtins]
    silent = [
        f"{model.__qualname__}.{name}"
        for model in {m for config in [*configs, RunSpec] for m in models_in(config)}
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


@pytest.mark.parametrize("words", ["any", "TypeVar", "typing."])
def test_every_type_can_be_said_in_words(words: str, builtins: Registry) -> None:
    types = [
        key.type
        for entry in builtins
        for key in keys(builtins.config_class(entry.ref.kind, entry.ref.name))
    ]
    assert not [said for said in types if words in said]
