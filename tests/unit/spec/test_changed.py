"""What a spec says otherwise than its defaults."""

from __future__ import annotations

from typing import Any

from gantrans.spec.changed import changed
from gantrans.spec.load import load

LEAST: dict[str, Any] = {"data": {"type": "seasons"}, "losses": {"cycle": {}}}


def of(**tables: Any) -> dict[str, tuple[Any, Any]]:
    found = changed(load({**LEAST, **tables}).run)
    return {change["key"]: (change["value"], change["default"]) for change in found}


def test_what_has_no_default_is_all_that_the_least_spec_changes() -> None:
    assert of() == {"data.type": ("seasons", None), "losses": (["cycle"], None)}


def test_a_key_that_says_its_default_is_no_change() -> None:
    assert of(train={"batch_size": 1}, generator={"type": "resnet", "norm": "instance"}) == of()


def test_changed_keys_stand_beside_their_defaults() -> None:
    found = of(
        train={"epochs": 7},
        optimizer={"betas": [0.0, 0.9]},
        losses={"cycle": {"weight": 3.5}},
        domains={"a": "summer"},
    )
    assert found["train.epochs"] == (7, 200)
    assert found["optimizer.betas"] == ([0.0, 0.9], [0.5, 0.999])
    assert found["losses.cycle.weight"][0] == 3.5
    assert found["domains.a"] == ("summer", "a")


def test_another_component_is_one_change_and_its_settings_have_its_own_defaults() -> None:
    found = of(
        generator={"type": "unet", "width": 8},
        discriminator={"type": "patchgan", "norm": {"type": "batch"}},
    )
    assert found["generator.type"] == ("unet", "resnet")
    assert {key for key in found if key.startswith("generator")} == {
        "generator.type",
        "generator.width",
    }
    assert found["discriminator.norm.type"] == ("batch", "instance")


def test_a_loss_under_a_name_of_its_own_says_its_type() -> None:
    found = of(losses={"there_and_back": {"type": "cycle"}})
    assert found["losses"] == (["there_and_back"], None)
    assert found["losses.there_and_back.type"] == ("cycle", "there_and_back")


def test_tables_with_free_keys_are_compared_by_their_keys() -> None:
    assert of(metrics={"swd": {}})["metrics"] == (["swd"], ["psnr", "ssim", "l1", "swd", "cycle"])
