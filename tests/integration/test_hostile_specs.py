"""Specs that were written to break something: each is refused in words, or is right."""

from __future__ import annotations

import copy
import datetime
import math
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gantrans.api.component import KINDS
from gantrans.api.table import Table
from gantrans.errors import GantransError, SpecError, UsageError
from gantrans.plugin.manager import load_registry
from gantrans.spec.load import DEEPEST, LARGEST, LoadedSpec, Source, load, validate
from gantrans.spec.model import RunSpec
from gantrans.training.contradictions import check
from tiny_run import tiny_spec

REGISTRY = load_registry(environ={"GANTRANS_PLUGINS": "none"})
KeyPath = tuple[str, ...]

PLACES: dict[str, KeyPath] = {
    "generator": ("generator",),
    "discriminator": ("discriminator",),
    "method": ("method",),
    "dataset": ("data",),
    "normalizer": ("generator", "norm"),
    "loss": ("losses", "attacked"),
    "metric": ("metrics", "attacked"),
    "tracker": ("trackers", "attacked"),
}


class Hangs(BaseException):
    """No Exception, which those who catch everybody's would catch."""


@pytest.fixture(autouse=True)
def no_hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that would wait for ever fails instead."""
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")

    def ring(*given: Any) -> None:
        raise Hangs

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def keys_of(model: type[Table], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every key of a table and of the tables in it, with its type."""
    for name, field in model.model_fields.items():
        yield (*path, name), field.annotation
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table):
            yield from keys_of(field.annotation, (*path, name))


def attacks() -> Iterator[tuple[KeyPath, KeyPath, str, Any]]:
    """Every key: its path, that of its component's table and its type, and the type of the key."""
    for path, kind in keys_of(RunSpec):
        yield path, (), "", kind
    for entry in REGISTRY:
        place = PLACES[entry.ref.kind]
        component = REGISTRY.component(entry.ref.kind, entry.ref.name)
        for path, kind in keys_of(component.Config):
            yield (*place, *path), place, entry.ref.name, kind


ATTACKS = list(attacks())


def test_every_kind_and_key_is_attacked() -> None:
    assert PLACES.keys() == set(KINDS)
    assert ("train", "epochs") in {path for path, *_ in ATTACKS}
    assert len(ATTACKS) > 200


def attacked(path: KeyPath, place: KeyPath, component: str, value: Any) -> dict[str, Any]:
    """A sound spec, but for one key."""
    spec = copy.deepcopy(tiny_spec())
    if place:
        there = table_at(spec, place)
        if there.get("type") != component:
            there.clear()
        there["type"] = component
    table_at(spec, path[:-1])[path[-1]] = value
    return spec


def table_at(spec: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    for key in path:
        if not isinstance(spec.get(key), dict):
            spec[key] = {}
        spec = spec[key]
    return spec


def refused(table: Mapping[str, Any], *, whole: bool = False) -> bool:
    """Whether it is refused as a user's mistake; anything else that is raised passes."""
    source = Source(dict(table), "spec", Path.cwd())
    try:
        run = validate(source, REGISTRY)
        if whole:
            check(LoadedSpec(run, source, REGISTRY))
    except GantransError as error:
        assert str(error).strip()
        return True
    return False


NUMBERS = (int, float, bool)
VALUES: dict[str, Any] = {
    "text": "text",
    "a number in quotes": "10",
    "a truth in quotes": "no",
    "true": True,
    "a fraction": 3.5,
    "negative": -1,
    "beyond 64 bits": 10**30,
    "beyond a float": 10**400,
    "nearly infinite": 1e308,
    "nan": math.nan,
    "infinite": math.inf,
    "an empty list": [],
    "a deep list": [[[[]]]],
    "an empty table": {},
    "a table": {"x": {"y": 1}},
    "a component": {"type": "no_such_component"},
    "a date": datetime.date(2026, 1, 1),
    "control characters": "\x1b[2J\x00",
    "long": "x" * 10**5,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_hostile_value_of_any_key_raises_nothing_but_a_refusal(value: Any) -> None:
    for path, place, component, kind in ATTACKS:
        found = refused(attacked(path, place, component, value))
        if kind in NUMBERS and not isinstance(value, NUMBERS):
            assert found, path
        if kind is bool and not isinstance(value, bool):
            assert found, path
        if kind in (int, float) and isinstance(value, bool):
            assert found, path


@pytest.mark.parametrize("value", [0, 10**9])
def test_networks_as_large_as_one_likes_are_measured_without_being_built(value: int) -> None:
    """Only in what `check` reads: what builds on the meta device takes no memory for weights."""
    for path, place, component, kind in ATTACKS:
        if path[0] in ("generator", "discriminator", "method") and kind is int:
            refused(attacked(path, place, component, value), whole=True)


@pytest.mark.parametrize(
    "extra", ["x", "type.x", "", "\x00", "preset", "x" * 1000, "ÿ", "__class__"]
)
def test_an_unknown_key_in_any_table_is_refused(extra: str) -> None:
    tables = {(path[:-1], place, component) for path, place, component, _ in ATTACKS}
    named = ("losses", "metrics", "trackers")
    for path, place, component in tables:
        assert path not in [(name,) for name in named]
        assert refused(attacked((*path, extra), place, component, 1)), path
    for name in named:  # there it names a component or a curve
        assert refused({**tiny_spec(), name: {extra: {"type": "no_such"}}})


SOUND = b"""\
[data]
type = "seasons"
[generator]
width = 4
blocks = 1
[losses.adversarial]
"""

TEXTS: dict[str, tuple[bytes, type[GantransError] | None]] = {
    "sound": (SOUND, None),
    "byte order mark": (b"\xef\xbb\xbf" + SOUND, None),
    "Windows lines": (SOUND.replace(b"\n", b"\r\n"), None),
    "old Macintosh lines": (SOUND.replace(b"\n", b"\r"), SpecError),
    "nothing": (b"", SpecError),
    "comments": (b"# nothing\n\n", SpecError),
    "UTF-16": (SOUND.decode().encode("utf-16"), UsageError),
    "Latin-1": (SOUND + b'name = "\xe9"\n', UsageError),
    "zeros": (b"\x00" * 100, SpecError),
    "noise": (bytes(range(256)) * 4, UsageError),
    "a control character": (SOUND.replace(b"seasons", b"sea\x1bsons"), SpecError),
    "an escaped one": (SOUND.replace(b"seasons", b"sea\\u001b[2Jsons"), SpecError),
    "a surrogate": (b'name = "\\ud800"\n' + SOUND, SpecError),
    "a key twice": (SOUND.replace(b"width = 4", b"width = 4\nwidth = 4"), SpecError),
    "a table twice": (SOUND + SOUND, SpecError),
    "tables in a list": (SOUND.replace(b"[data]", b"[[data]]"), SpecError),
    "half a string": (b'name = "x\n' + SOUND, SpecError),
    "half a table": (SOUND + b"[train", SpecError),
    "many digits": (b"seed = " + b"9" * 10**4 + b"\n" + SOUND, SpecError),
    "many digits of a fraction": (SOUND + b"weight = 1." + b"9" * 10**5, None),
    "infinite": (SOUND + b"weight = 1e999", SpecError),
    "no date": (b"seed = 2026-13-45\n" + SOUND, SpecError),
    "a long string": (b'name = "' + b"x" * 10**5 + b'"\n' + SOUND, SpecError),
    "a long key": (b"x" * 10**5 + b" = 1\n" + SOUND, SpecError),
    "too long": (SOUND + b"#" * LARGEST, UsageError),
    "many unknown keys": (b"".join(b"k%d = 1\n" % n for n in range(5000)) + SOUND, SpecError),
    "many tables": (SOUND + b"".join(b"[losses.k%d]\n" % n for n in range(1000)), SpecError),
    "a long list": (b"plugins = [\n" + b'"",\n' * 1000 + b"]\n" + SOUND, SpecError),
    "a long list of lists": (b"seed = [\n" + b"[1],\n" * 10**4 + b"]\n" + SOUND, SpecError),
    "open lists": (b"seed = " + b"[" * 10**5, SpecError),
    "open tables": (b"seed = " + b"{x=" * 10**4, SpecError),
    "deep lists": (b"seed = " + b"[" * 200 + b"]" * 200 + b"\n" + SOUND, SpecError),
    "deep tables": (b"seed = " + b"{x=" * 100 + b"1" + b"}" * 100 + b"\n" + SOUND, SpecError),
    "deep keys": (SOUND + b"x." * 1000 + b"x = 1\n", SpecError),
    "deep headers": (SOUND + b"[" + b"x." * 1000 + b"x]\n", SpecError),
    "deep components": (
        SOUND.replace(b"[generator]\n", b"[generator]\nnorm" + b".norm" * 40 + b" = 1\n"),
        SpecError,
    ),
}


@pytest.mark.parametrize(("text", "error"), TEXTS.values(), ids=TEXTS.keys())
def test_a_hostile_text(text: bytes, error: type[GantransError] | None, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_bytes(text)
    if error is None:
        check(load(spec))
        return
    with pytest.raises(error) as caught:
        check(load(spec))
    assert type(caught.value) is error
    assert str(spec) in str(caught.value)


ODD: dict[str, Any] = {
    "nothing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.with_name("gone")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
def test_what_is_no_file_is_no_spec_and_no_plugin(make: Any, tmp_path: Path) -> None:
    make(tmp_path / "odd.toml")
    with pytest.raises(UsageError, match=r"cannot read the spec .*odd\.toml"):
        load(tmp_path / "odd.toml")
    (tmp_path / "spec.toml").write_bytes(b'plugins = ["odd.toml"]\n' + SOUND)
    with pytest.raises(SpecError, match=r"plugins: 'odd\.toml': "):
        load(tmp_path / "spec.toml")
    (tmp_path / "spec.toml").write_bytes(SOUND)
    with pytest.raises(SpecError, match=r"--plugin .*odd\.toml: "):
        load(tmp_path / "spec.toml", plugins=[tmp_path / "odd.toml"])


@pytest.mark.parametrize("name", ["", ".", "..", "\x00", "x" * 1000, "\x1b[2J", "~", "a/../b"])
def test_a_hostile_name_of_a_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(GantransError):
        load(tmp_path / name)
    with pytest.raises(GantransError):
        load({**tiny_spec(), "plugins": [name]})
    for data in ("unpaired_folder", "paired_folder", "single_image"):
        with pytest.raises(GantransError):
            check(load({**tiny_spec(), "data": {"type": data, "root": name, "a": 5}}))


@pytest.mark.parametrize(
    "setting",
    [
        "", "=", "=1", "x", ".=1", "x..y=1", "x=", " = ", "x" * 10**5 + "=1", "x=" + "y" * 10**5,
        "x." * 1000 + "y=1", "x=" + "[" * 10**5, "x=" + "[" * 200 + "]" * 200, "x=" + "9" * 10**4,
        "losses=5", "losses=", "losses={", "losses.cycle=5", "losses.=5", "data=true", "seed=\x00",
        "seed.x=1", "generator.norm.groups=8", "generator.norm=[]", 'train.epochs="2"', "train=[]",
        "train.epochs=1\nseed = 5", "seed=1 # 2", "name=\x1b[2J", "type=x", "plugins=x",
    ],
)  # fmt: skip
def test_a_hostile_setting(setting: str) -> None:
    try:
        check(load(tiny_spec(), settings=[setting]))
    except GantransError as error:
        assert str(error).strip()
    else:
        assert setting in ("seed=1 # 2",)


def test_a_table_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = tiny_spec()
    endless["generator"]["norm"] = endless["generator"]
    with pytest.raises(SpecError, match="nested too deeply"):
        load(endless)
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    with pytest.raises(SpecError, match="nested too deeply"):
        load({**tiny_spec(), "seed": deep})
