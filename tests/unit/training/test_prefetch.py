from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gantrans.training.prefetch import AHEAD, ahead


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("gantrans-batches")]


def test_all_items_come_in_order_and_the_thread_ends_with_them() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert list(ahead(iter([]))) == []
    assert not threads()


def test_items_are_made_by_another_thread_a_few_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[str]:
        for n in range(100):
            made.append(n)
            yield threading.current_thread().name

    found = ahead(items())
    assert next(found).startswith("gantrans-batches")
    found.close()
    assert len(made) <= AHEAD + 1


def test_an_error_is_raised_where_its_item_would_be_and_ends_the_thread() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ConnectionError("gone")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ConnectionError, match="gone"):
        next(found)
    assert not threads()


def test_closing_it_ends_the_thread() -> None:
    found = ahead(iter(range(100)))
    next(found)
    assert threads()
    found.close()
    assert not threads()
