from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gantrans.errors import FileError, MissingFileError
from gantrans.io.received import (
    DEEPEST,
    check_folder,
    open_regular,
    open_to_append,
    parse_json,
    read_bytes,
    read_json,
    read_text,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")

NOT_REGULAR: list[Callable[[Path], object]] = [
    os.mkfifo,
    Path.mkdir,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to(path.name),
]


@pytest.mark.parametrize("make", NOT_REGULAR)
@pytest.mark.parametrize("inside", [True, False])
def test_what_is_no_regular_file_is_refused_without_waiting(
    tmp_path: Path, make: Callable[[Path], object], inside: bool
) -> None:
    make(tmp_path / "odd")
    with pytest.raises(FileError, match="odd") as refused:
        open_regular(tmp_path / "odd", within=tmp_path if inside else None)
    assert not isinstance(refused.value, MissingFileError)


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("none", "none/below", "file/below", "dangling"):
        with pytest.raises(MissingFileError, match=name):
            open_regular(tmp_path / name)


def test_links_are_followed_inside_of_the_folder_and_not_out_of_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "samples").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "run-too").mkdir()
    (tmp_path / "run-too" / "secret").write_text("secret")
    (run / "own").write_text("own")
    (run / "samples" / "link").symlink_to("../own")
    (tmp_path / "short").symlink_to("run")  # the run itself may be reached through a link
    for root in (run, tmp_path / "short"):
        assert read_text(root / "samples" / "link", within=root) == "own"
    (run / "out").symlink_to(tmp_path / "secret")
    (run / "folder").symlink_to(tmp_path / "run-too")
    for name in ("out", "folder/secret", "../secret", "../run-too/secret"):
        with pytest.raises(FileError, match="leads out of"):
            open_regular(run / name, within=run)
        assert read_text(run / name) == "secret"  # of a file that the user named


def test_a_name_that_no_file_can_have_is_no_traceback(tmp_path: Path) -> None:
    for name in ("x\0", "\ud800", "x" * 5000):
        with pytest.raises(FileError):
            open_regular(tmp_path / name)


def test_the_size_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    assert read_bytes(file, most=4) == b"1234"
    with pytest.raises(FileError, match="more than 3 bytes"):
        read_bytes(file, most=3)


def nested(levels: int, table: bool) -> str:
    return (
        ('{"a":' if table else "[") * (levels - 1) + "[]" + ("}" if table else "]") * (levels - 1)
    )


@pytest.mark.parametrize("table", [True, False])
def test_the_depth_is_bounded(table: bool) -> None:
    assert json.dumps(parse_json(nested(DEEPEST, table)))
    for levels in (DEEPEST + 1, 900, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(nested(levels, table).encode())
    assert parse_json("[" + "[]," * 500 + "[]]") == [[]] * 501  # many are not deep


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'"\\ud800"', b'{"a\\udfff\\ud800": 1}', b"9" * 5000]
)
def test_what_is_no_json_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(FileError, match=r"x\.json: it "):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("value", ["😀", {"é": [1.5, None]}, os.fsdecode(b"/data/\xfcber")])
def test_whole_characters_and_names_of_files_are_read_as_written(
    tmp_path: Path, value: Any
) -> None:
    """The base folder of a spec may have a name that is no UTF-8."""
    (tmp_path / "x.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "x.json") == value


def test_a_folder_in_which_nothing_leads_away_may_be_written_in(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "deep" / "down").mkdir(parents=True)
    (run / "deep" / "file").touch()
    (run / "link").symlink_to("deep/file")
    (run / "deep" / "up").symlink_to("..")
    (tmp_path / "short").symlink_to(run)
    check_folder(run)
    check_folder(tmp_path / "short")


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("../../../outside"),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to(path.name),
    ],
)
def test_a_folder_in_which_something_leads_away_may_not(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "run" / "deep").mkdir(parents=True)
    make(tmp_path / "run" / "deep" / "odd")
    with pytest.raises(FileError, match="deep/odd"):
        check_folder(tmp_path / "run")


def test_a_file_to_append_to_is_made_and_never_cut(tmp_path: Path) -> None:
    for expected in (b"a", b"aa"):
        descriptor = open_to_append(tmp_path / "file")
        os.write(descriptor, b"a")
        os.close(descriptor)
        assert (tmp_path / "file").read_bytes() == expected
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "second").hardlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "second", "file", "pipe"):
        with pytest.raises(FileError):
            open_to_append(tmp_path / name)
