"""The folder of caches by itself; what stands in it when runs cache is in test_caching.py."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from gantrans.training import cache_folder


def test_the_folder_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("GANTRANS_CACHE", "/g")
    assert cache_folder.cache_folder() == Path("/g")
    monkeypatch.delenv("GANTRANS_CACHE")
    assert cache_folder.cache_folder() == Path("/x/gantrans")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder.cache_folder() == tmp_path / ".cache/gantrans"


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    for n, name in enumerate("abcd"):
        (tmp_path / f"images-{name}.cache").write_bytes(bytes(100))
        os.utime(tmp_path / f"images-{name}.cache", (n, n))
    keep = [tmp_path / "images-a.cache"]
    assert cache_folder.make_room(tmp_path, 150, 400, keep)
    assert [path.stem for path in sorted(tmp_path.iterdir())] == ["images-a", "images-d"]
    assert not cache_folder.make_room(tmp_path, 350, 400, keep)
    assert [path.stem for path in sorted(tmp_path.iterdir())] == ["images-a", "images-d"]


def test_a_disk_that_is_full_to_the_last_byte_is_not_left_so(tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OSError, match="No space"),
        cache_folder.partial_file(tmp_path / "x") as file,
    ):
        closes = file.close

        def close() -> None:  # which writes what was held back
            file.close = closes  # type: ignore[method-assign]
            full()

        file.close = close  # type: ignore[method-assign]
        full()
    assert list(tmp_path.iterdir()) == []
