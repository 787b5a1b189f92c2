from __future__ import annotations

import pytest

from gantrans.cli.memory_size import bytes_of
from gantrans.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 2**30),
        ("1.5 GiB", 3 * 2**29),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("3Gi", 3 * 2**30),
        ("1000000", 1_000_000),
        ("16KiB", 16_384),
    ],
)
def test_sizes_as_people_write_them(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "2 apples", "-1GB", "0", "0.1B", "1e9", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match=r"--max-upload .* no size of memory: write such as 2GiB"):
        bytes_of(text, "--max-upload")
