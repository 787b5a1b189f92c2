"""Turns are taken one at a time and in order; nobody waits for ever."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack, aclosing
from functools import partial
from typing import Any, TypeVar

import pytest

from gantrans.serving import line as line_file
from gantrans.serving.limits import Limits
from gantrans.serving.line import Line, Look, Progress
from gantrans.serving.problem import Problem

T = TypeVar("T")


async def result(line: Line, work: Any) -> Any:
    async with aclosing(line(work)) as states:
        return [state async for state in states][-1]


def run(what: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(what, 30))


def endless(look: Look) -> str:
    """Goes on until it is stopped."""
    while True:
        look(0.5)


def test_one_is_computed_at_a_time_in_the_order_in_which_they_came() -> None:
    line, inside, order = Line(Limits(queue=20)), threading.Lock(), []

    def work(number: int) -> Any:
        def compute(look: Look) -> int:
            assert inside.acquire(blocking=False)
            order.append(number)
            inside.release()
            return number

        return compute

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(result(line, work(n)) for n in range(20)))

    assert run(all_at_once()) == list(range(20)) == order
    line.close()


def test_those_that_wait_hear_how_many_are_before_them() -> None:
    line, go = Line(Limits()), threading.Event()

    async def watch() -> Progress:
        held = [asyncio.create_task(result(line, lambda look: go.wait())) for _ in range(2)]
        await asyncio.sleep(0)
        async with aclosing(line(lambda look: None)) as states:
            first = await anext(states)
        go.set()
        await asyncio.gather(*held)
        assert isinstance(first, Progress)
        return first

    assert run(watch()) == Progress(ahead=2, share=0.0)
    line.close()


def test_what_nobody_waits_for_any_more_is_stopped_and_the_next_has_its_turn() -> None:
    line = Line(Limits())

    async def leave() -> str:
        async with aclosing(line(endless)) as states:
            await anext(states)
        return await result(line, lambda look: "next")

    assert run(leave()) == "next"
    line.close()


def test_what_takes_too_long_is_stopped_and_the_next_has_its_turn() -> None:
    line = Line(Limits(seconds=0.3))

    async def wait() -> str:
        with pytest.raises(Problem, match=r"longer than 0\.3 seconds") as caught:
            await result(line, endless)
        assert caught.value.status == 504
        return await result(line, lambda look: "next")

    assert run(wait()) == "next"
    line.close()


def test_behind_a_layer_that_never_ends_one_is_refused_and_does_not_wait_for_ever() -> None:
    line, go = Line(Limits(seconds=0.3)), threading.Event()

    async def wait() -> str:
        with pytest.raises(Problem, match="longer than"):
            await result(line, lambda look: go.wait())  # looks at nothing, cannot be stopped
        with pytest.raises(Problem, match="its turn did not come") as caught:
            await result(line, lambda look: "never")
        assert caught.value.status == 503 and caught.value.retry_after
        go.set()
        return await result(line, lambda look: "again")

    assert run(wait()) == "again"
    line.close()


def test_what_the_work_raises_is_raised_where_it_is_waited_for() -> None:
    line = Line(Limits())

    def fail(look: Look) -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        run(result(line, fail))
    assert run(result(line, lambda look: "next")) == "next"
    line.close()


def test_nothing_of_a_translation_is_kept_for_the_next_one() -> None:
    class Picture:
        pass

    line = Line(Limits())
    given = Picture()
    given_is = weakref.ref(given)
    found = run(result(line, partial(lambda picture, look: Picture(), given)))
    found_is = weakref.ref(found)

    del given, found
    gc.collect()

    assert given_is() is None and found_is() is None
    line.close()


def test_there_are_so_many_places_and_one_that_is_left_is_free_again() -> None:
    line = Line(Limits(queue=2))

    async def leave() -> int:
        async with AsyncExitStack() as places:
            for _ in range(3):  # one computed, two that wait
                states = await places.enter_async_context(aclosing(line(endless)))
                await anext(states)
            with pytest.raises(Problem, match="3 images wait already") as caught:
                line(endless)
            assert caught.value.status == 503 and caught.value.retry_after
        return line.waiting

    assert run(leave()) == 0
    line.close()


def test_a_result_that_nobody_takes_has_no_place() -> None:
    line = Line(Limits(queue=0))

    async def leave() -> str:
        states = line(lambda look: "not taken")
        while line.waiting:
            await asyncio.sleep(0)
        found = await result(line, lambda look: "next")
        await states.aclose()
        return str(found)

    assert run(leave()) == "next"
    line.close()


def test_images_that_are_on_their_way_take_no_place_and_are_counted_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_file, "UPLOADS", 4)
    line = Line(Limits(queue=0))
    with ExitStack() as on_their_way:
        for _ in range(4):
            on_their_way.enter_context(line.upload())
        assert line.waiting == 0
        with pytest.raises(Problem, match="4 images are being sent") as caught, line.upload():
            pass
        assert caught.value.status == 503 and caught.value.retry_after
    line.close()


def test_no_image_is_read_in_vain() -> None:
    line = Line(Limits(queue=0))

    async def wait() -> None:
        async with aclosing(line(endless)) as states:
            await anext(states)
            with pytest.raises(Problem, match="1 images wait already"), line.upload():
                pass

    run(wait())
    line.close()


def test_closing_stops_what_is_computed_and_refuses_the_rest() -> None:
    line = Line(Limits())

    async def close() -> list[BaseException]:
        tasks = [asyncio.create_task(result(line, endless)) for _ in range(3)]
        await asyncio.sleep(0)
        line.close()
        return await asyncio.gather(*tasks, return_exceptions=True)  # type: ignore[return-value]

    assert [getattr(e, "status", e) for e in run(close())] == [503] * 3
    with pytest.raises(Problem, match="shut down"):
        line(endless)
