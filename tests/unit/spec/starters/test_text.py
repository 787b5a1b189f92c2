from __future__ import annotations

import tomllib

import pytest

from gantrans.spec.starters.text import domain_names, plain_name, toml_string


@pytest.mark.parametrize(
    "text", ['a"b', "back\\slash", "tab\tnew\nline\r", "\x00\x1b\x7f", "été 雪 ❄"]
)
def test_strings_survive_toml(text: str) -> None:
    assert tomllib.loads(f"value = {toml_string(text)}")["value"] == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("summer2winter_v1.0", "summer2winter_v1.0"),
        ("My photos (2024)", "My-photos-2024"),
        ("été", "ete"),
        (".hidden", "hidden"),
        ("雪", "run"),
        ("x" * 100, "x" * 80),
    ],
)
def test_a_folders_name_becomes_a_runs_name(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("summer", "winter"), ("summer", "winter")),
        (("été", "冬"), ("été", "冬")),
        (("a/b?", "-c"), ("a_b_", "c")),
        (("!", "..."), ("A", "B")),
        (("x" * 41, "x" * 42), ("A", "B")),
    ],
)
def test_folders_names_become_names_of_domains(
    folders: tuple[str, str], names: tuple[str, str]
) -> None:
    assert domain_names(*folders) == names
