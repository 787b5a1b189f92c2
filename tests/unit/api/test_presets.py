from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

import gantrans
from gantrans.errors import SpecError
from gantrans.plugin.registry import Registry
from gantrans.spec.load import load
from gantrans.spec.schema import schema
from tiny_run import tiny_spec


def generator(**table: Any) -> Any:
    spec = tiny_spec()
    spec["generator"] = table
    return load(spec).run.generator


def test_a_preset_stands_for_its_settings() -> None:
    assert generator(type="resnet", preset="6") == generator(type="resnet", blocks=6)
    assert generator(type="unet", preset="128").depth == 7
    assert generator(type="unet", preset=128).depth == 7


def test_what_is_written_beside_a_preset_wins() -> None:
    assert generator(type="resnet", preset="6", blocks=2, width=8).blocks == 2


def test_a_resolved_spec_has_the_settings_and_no_preset() -> None:
    dumped = generator(type="resnet", preset="6").model_dump(mode="json")
    assert dumped["blocks"] == 6
    assert "preset" not in dumped


def test_an_unknown_preset_is_named_beside_all_other_mistakes() -> None:
    with pytest.raises(SpecError) as caught:
        generator(type="unet", preset="127", wdith=3)
    assert caught.value.problems == (
        "spec: generator.preset: no preset is called '127'; did you mean '128'? "
        "(there are: 128, 256, pix2pix)",
        "spec: generator.wdith: unknown key; did you mean 'width'?",
    )


def test_a_component_without_presets_says_so() -> None:
    with pytest.raises(
        SpecError, match=r"losses.cycle.preset: no preset is called 3 \(it has none"
    ):
        load(tiny_spec(losses={"cycle": {"preset": 3}}))


def test_editors_are_told_the_presets(builtins: Registry) -> None:
    valid = Draft202012Validator(schema(builtins)).is_valid
    spec = {"data": "seasons", "losses": {"cycle": {}}}
    assert valid({**spec, "generator": {"type": "unet", "preset": "256"}})
    assert valid({**spec, "generator": {"type": "unet", "preset": 256}})
    assert not valid({**spec, "generator": {"type": "unet", "preset": "512"}})


@pytest.mark.parametrize("key", ["type", "preset"])
def test_a_config_cannot_have_a_key_of_that_name(key: str) -> None:
    with pytest.raises(TypeError, match=f"'{key}' is reserved"):

        class Taken(gantrans.Loss):
            """Has a key that a spec uses itself."""

            name = "taken"
            Config = type("Config", (gantrans.LossConfig,), {"__annotations__": {key: str}})


def test_a_config_that_json_has_no_type_for_is_left_out_of_the_schema_alone(
    tmp_path: Any,
) -> None:
    (tmp_path / "odd.py").write_text(
        "from collections.abc import Callable\nimport gantrans\n\n\n"
        "class Odd(gantrans.Loss):\n"
        '    """Has a function in its settings."""\n\n    name = "odd"\n\n'
        "    class Config(gantrans.LossConfig):\n"
        "        call: Callable[[int], int] = abs\n"
    )
    found = schema(gantrans.load_registry([tmp_path / "odd.py"]))
    assert "loss.odd" not in found["$defs"]
    assert "loss.cycle" in found["$defs"]
