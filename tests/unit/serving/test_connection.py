"""Connections, as uvicorn has them and a loop of sockets meets them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from gantrans.serving import connection

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after longer than the head of a request may take."""
    await asyncio.sleep(3 * connection.HEAD_SECONDS)
    await PlainTextResponse("answered")(scope, receive, send)


@asynccontextmanager
async def listening(app: ASGIApp = slow) -> AsyncIterator[tuple[int, ServerState]]:
    """The port of a server, which sends as little at once as the system allows; and its state."""
    config, state = uvicorn.Config(app, log_level="error"), ServerState()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: connection.Connection(config, state, {}), sock=listener
    )
    async with server:
        yield listener.getsockname()[1], state


def asking(port: int) -> socket.socket:
    """A client that has asked, and takes in as little as the system allows."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.connect(("127.0.0.1", port))
    client.sendall(ASKED)
    client.setblocking(False)
    return client


async def read_all(port: int, *sent: bytes) -> bytes:
    """What comes until the server closes, if one part is sent after the answer to the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    came = b""
    for part in sent:
        writer.write(part)
        if part == ASKED:
            came += await reader.readuntil(b"answered")
    came += await reader.read()
    writer.close()
    return came


@pytest.mark.parametrize(
    ("sent", "answers"),
    [((), 0), ((ASKED[:20],), 0), ((ASKED, ASKED[:20]), 1), ((ASKED, ASKED), 2)],
    ids=["silent", "half", "half of another", "silent after two"],
)
def test_who_does_not_ask_in_time_is_not_held_on_to(
    sent: tuple[bytes, ...], answers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)

    async def meet() -> bytes:
        async with listening() as (port, _):
            return await read_all(port, *sent)

    came = asyncio.run(asyncio.wait_for(meet(), 20))

    assert came.count(b"200 OK") == came.count(b"answered") == answers


@pytest.mark.parametrize("size", [30_000, 3_000_000], ids=["little", "much"])
def test_who_does_not_read_the_answer_in_time_is_dropped(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.Connection, "seconds", 0.1)

    async def meet() -> bytes:
        async with listening(PlainTextResponse("x" * size)) as (port, state):
            with asking(port) as client:
                while not state.total_requests:
                    await asyncio.sleep(0)
                while state.connections or state.tasks:
                    await asyncio.sleep(0.01)
                return client.recv(1000)

    assert asyncio.run(asyncio.wait_for(meet(), 20)).startswith(b"HTTP/1.1 200 OK")


def test_of_more_unread_answers_than_are_kept_the_oldest_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "UNREAD_BYTES", 5_000_000)

    async def meet() -> int:
        async with listening(PlainTextResponse("x" * 3_000_000)) as (port, state):
            with asking(port), asking(port) as second:
                while state.total_requests < 2:
                    await asyncio.sleep(0)
                while len(state.connections) > 1:
                    await asyncio.sleep(0)
                came = 0
                while came < 3_000_000:
                    came += len(await asyncio.get_running_loop().sock_recv(second, 2**20))
                return came

    assert asyncio.run(asyncio.wait_for(meet(), 20)) > 3_000_000


def test_connections_beyond_all_measure_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 2)

    async def meet() -> bytes:
        async with listening() as (port, state):
            with ExitStack() as idle:
                for number in range(1, 5):
                    idle.enter_context(socket.create_connection(("127.0.0.1", port)))
                    while len(state.connections) < number:
                        await asyncio.sleep(0)
                return await read_all(port)

    assert asyncio.run(asyncio.wait_for(meet(), 20)) == b""
