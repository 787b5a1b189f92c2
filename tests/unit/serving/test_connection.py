"""Connections, as uvicorn has them and a loop of sockets meets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gantrans.serving import connection

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after longer than the head of a request may take."""
    await asyncio.sleep(3 * connection.HEAD_SECONDS)
    await PlainTextResponse("answered")(scope, receive, send)


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """The port of a server."""
    config, state = uvicorn.Config(slow, log_level="error"), ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: connection.Connection(config, state, {}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


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
        async with listening() as port:
            return await read_all(port, *sent)

    came = asyncio.run(asyncio.wait_for(meet(), 20))

    assert came.count(b"200 OK") == came.count(b"answered") == answers


def test_one_connection_too_many_is_told_so_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 2)

    async def meet() -> bytes:
        async with listening() as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ASKED)
            came = await reader.read()  # until it is closed
            for _, each in (*idle, (reader, writer)):
                each.close()
            return came

    head, body = asyncio.run(asyncio.wait_for(meet(), 20)).split(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 503") and b"retry-after: " in head.lower()
    assert "connections are open already" in json.loads(body)["error"]
