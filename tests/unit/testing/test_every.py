from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from faulty import fault, faulty, unproven
from gantrans.api.component import ComponentRef
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.path import SpecPath
from gantrans.testing.every import CHECKS
from gantrans.testing.kit import checks_of
from gantrans.testing.target import subjects_of

Install = Callable[..., Any]


def with_config(**parts: Any) -> Any:
    """A loss whose Config has something in it."""
    return faulty(Loss, Config=type("Config", (LossConfig,), {"__module__": __name__, **parts}))


class Inner(BaseModel):
    """A table with a setting that nobody explains."""

    depth: int = 1


class Undescribed(LossConfig):
    width: int = 1


class Nested(LossConfig):
    table: Inner | None = Field(None, description="a table")


class Spelling(LossConfig):
    """Writes something that it does not read."""

    level: str = Field("low", description="how strong")

    @field_serializer("level")
    def _shouted(self, level: str) -> str:
        return level.upper()


class Forgetful(LossConfig):
    """Absent is not what it takes when nothing is written."""

    limit: float | None = Field(1.0, description="largest value")

    @model_validator(mode="before")
    @classmethod
    def _none(cls, table: Any) -> Any:
        return table or {"limit": None}


class Thawed(LossConfig):
    model_config = ConfigDict(frozen=False)


class Careless(LossConfig):
    model_config = ConfigDict(extra="ignore")


class Wide(LossConfig):
    width: int = Field(1, ge=1, description="channels")


class Needy(LossConfig):
    root: str = Field(description="where the weights are")


class Doomed(LossConfig):
    width: int = Field(0, ge=1, description="channels")


def fails(self: Any, config: Any) -> None:
    raise RuntimeError("no such table")


class Sorted(LossConfig):
    scales: list[int] = Field([1, 2], description="sizes")


class Listed(LossConfig):
    scales: list[int] = Field([1, 2], description="sizes")


class Adding(Loss):
    """Counts in its own settings."""

    name = "adding"
    requires = {"fake"}
    Config = Listed

    def generator(self, step: Any) -> Any:
        self.config.scales.append(3)
        return step.fake["a"].square().mean()


def sorts(self: Any, config: Any) -> None:
    Loss.__init__(self, config)
    config.scales.sort(reverse=True)


FAULTS = [
    fault("says_what_it_is", faulty(Loss, __doc__=None), "has no docstring"),
    fault("says_what_it_is", faulty(Loss, __doc__="Sharp edges\n\nMore."), "with a full stop"),
    fault("settings_are_described", faulty(Loss, Config=Undescribed), "width"),
    fault("settings_are_described", faulty(Loss, Config=Nested), "table.depth"),
    fault("settings_survive_json", faulty(Loss, Config=Spelling), "level = 'low' becomes 'LOW'"),
    fault("settings_survive_toml", faulty(Loss, Config=Forgetful), "limit = None becomes"),
    fault("settings_are_checked", faulty(Loss, Config=Thawed), "leave frozen=True"),
    fault("settings_are_checked", faulty(Loss, Config=Careless), 'leave extra="forbid"'),
    fault(
        "presets_are_valid",
        faulty(Loss, Config=Wide, presets={"none": {"width": 0}}),
        "correct it in `presets`",
    ),
    fault("builds", faulty(Loss, Config=Needy), "--set root=VALUE"),
    fault("builds", faulty(Loss, Config=Doomed), "change its defaults"),
    fault("builds", faulty(Loss, __init__=fails), "mend its __init__"),
    fault("leaves_its_settings_alone", Adding, "it changes self.config.scales"),
    fault(
        "leaves_its_settings_alone",
        faulty(Loss, Config=Sorted, __init__=sorts),
        "work on a copy, such as sorted",
    ),
]


@pytest.mark.parametrize(("check", "component", "words"), FAULTS)
def test_a_fault_is_found_by_its_check_which_says_what_to_change(
    check: str, component: Any, words: str, outcome: Callable[..., Any]
) -> None:
    found = outcome(component, check)

    assert found.status == "failed"
    assert words in found.message


def test_every_check_has_a_fault_that_it_finds() -> None:
    elsewhere = {"loads", "is_listed_without_torch"}  # below

    assert unproven(FAULTS, CHECKS) == elsewhere


def test_settings_of_any_shape_that_toml_has_are_no_fault(outcome: Callable[..., Any]) -> None:
    class Shapes(LossConfig):
        layers: list[dict[str, float]] = Field([{"relu 1-2": 1e-8}, {}], description="weights")
        text: str = Field('"quoted" \x7f ü', description="anything")

    assert outcome(faulty(Loss, Config=Shapes), "settings_survive_toml").status == "ok"


def test_loads_finds_a_target_that_is_not_there(
    outcome: Callable[..., Any], install: Install, hook: Callable[..., str]
) -> None:
    install("faulty-target", hook("faulty", target="nowhere_to_be_found:Loss"))

    found = checked("faulty-target", "loads")

    assert found.status == "failed"
    assert "No module named 'nowhere_to_be_found'" in found.message


def test_loads_finds_a_name_that_two_plugins_have(
    install: Install, hook: Callable[..., str]
) -> None:
    install("faulty-one", hook("faulty"))
    install("faulty-two", hook("faulty"))

    found = checked("faulty-one", "loads")

    assert found.status == "failed"


def test_loads_finds_the_name_of_a_built_in_component(
    subject_of: Callable[..., Any],
) -> None:
    class Cycle(Loss):
        """Takes a name."""

        name = "cycle"

    [check] = [one for one in CHECKS if one.name == "loads"]

    found = check.of(subject_of(Cycle))

    assert found.status == "failed"
    assert "rename it" in found.message


@pytest.mark.parametrize("summary", ["", "two\nlines"])
def test_says_what_it_is_finds_a_summary_that_is_none(
    summary: str, subject_of: Callable[..., Any]
) -> None:
    component = faulty(Loss)
    ref = ComponentRef("loss", "faulty", "somewhere:Faulty", summary)
    [check] = [one for one in CHECKS if one.name == "says_what_it_is"]

    found = check.of(subject_of(component, ref))

    assert found.status == "failed"
    assert "ComponentRef" in found.message


def test_is_listed_without_torch_finds_a_hook_that_imports_it(
    install: Install, hook: Callable[..., str]
) -> None:
    install("faulty-hook", "import torch\n" + hook("faulty"))

    found = checked("faulty-hook", "is_listed_without_torch")

    assert found.status == "failed"
    assert "the hook of faulty-hook imports torch" in found.message


def test_is_listed_without_torch_finds_a_hook_that_imports_it_when_called(
    install: Install, hook: Callable[..., str]
) -> None:
    head, called, body = hook("faulty").partition("def gantrans_components():\n")
    install("faulty-call", f"{head}{called}    import torch\n{body}")

    found = checked("faulty-call", "is_listed_without_torch")

    assert found.status == "failed"
    assert "when it is imported or called" in found.message


def test_is_listed_without_torch_finds_a_hook_that_ends_a_new_process(
    install: Install, hook: Callable[..., str]
) -> None:
    site = install("faulty-end", hook("faulty"))
    target = subject("faulty-end")
    (site / "faulty_end_hooks.py").write_text("import os\nos._exit(3)\n")

    found = run("is_listed_without_torch", target)

    assert found.status == "failed"
    assert "a new process that loads faulty-end fails: exit code 3" in found.message


def test_paths_are_relative_to_the_base_folder_in_every_check(
    subject_of: Callable[..., Any], tmp_path: Path
) -> None:
    """As a spec's are relative to its folder."""

    class Config(LossConfig):
        weights: SpecPath = Field(description="file")

        @field_validator("weights")
        @classmethod
        def _there(cls, path: Path) -> Path:
            if not path.is_file():
                raise ValueError("not there")
            return path

    (tmp_path / "w.txt").write_text("1")
    made = subject_of(faulty(Loss, Config=Config), weights="w.txt")
    made.base_dir = tmp_path

    found = {check.name: check.of(made) for check in checks_of("loss")}

    assert made.config.weights == tmp_path / "w.txt"
    assert {name for name, one in found.items() if one.status == "failed"} == {"has_a_side"}


def test_what_cannot_be_built_fails_once_and_the_rest_is_skipped(
    outcome: Callable[..., Any],
) -> None:
    found = outcome(faulty(Loss, __init__=fails), "terms_are_finite_scalars")

    assert (found.status, found.message) == ("skipped", "see builds")


def checked(target: str, name: str) -> Any:
    return run(name, subject(target))


def subject(target: str) -> Any:
    [found] = subjects_of(target)
    return found


def run(name: str, subject: Any) -> Any:
    [check] = [one for one in CHECKS if one.name == name]
    return check.of(subject)
