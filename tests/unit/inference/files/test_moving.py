from __future__ import annotations

import threading

import pytest

from gantrans.inference.files.moving import ahead


def test_items_come_in_order_and_only_so_far_ahead():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    coming = ahead(items(), 3)
    assert next(coming) == 0
    assert len(made) <= 5
    assert list(coming) == list(range(1, 10))


def test_an_error_is_raised_where_its_item_would_come():
    def items():
        yield 1
        raise ValueError("broken")

    coming = ahead(items(), 2)
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)


def test_leaving_early_ends_the_thread():
    def items():
        while True:
            yield 0

    coming = ahead(items(), 2)
    next(coming)
    coming.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]
