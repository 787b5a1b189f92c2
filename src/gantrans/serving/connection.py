"""Connections: how many there may be, and how long each may keep the server waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from operator import itemgetter

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

CONNECTIONS = 256
"""From so many on a request is answered with 503; twice as many are dropped before they ask."""

HEAD_SECONDS = 30.0
"""That the head of a request may take, from the connection or the request before on."""

UNREAD_BYTES = 2**30
"""Of answers that wait to be read, all connections together; beyond, the oldest is dropped."""


class Connection(H11Protocol):
    """One of uvicorn's, ended if its client does not ask, or does not read the answer, in time."""

    seconds = 120.0
    """That an answer may take to be read."""

    _unread: asyncio.TimerHandle | None = None
    """Ends the connection; there while an answer waits to be read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio says."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # else some bytes might wait for ever
        self._await_request_after(None)
        if len(self.connections) > 2 * CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio says."""
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read: more of the answer than the system buffers is there."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.seconds, self.transport.abort)
        size = 0
        for end, connection in sorted(self._unread_answers(), key=itemgetter(0), reverse=True):
            size += connection.get_write_buffer_size()
            if size > UNREAD_BYTES and end < self._unread.when():
                connection.abort()

    def resume_writing(self) -> None:
        """Go on: all has been read."""
        self._stop_waiting()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """What comes now is another request."""
        answered = self.cycle
        super().on_response_complete()
        self._await_request_after(answered)

    def _unread_answers(self) -> Iterator[tuple[float, asyncio.Transport]]:
        """When they will be dropped, and where they are."""
        for one in self.connections:
            if isinstance(one, Connection) and one._unread:
                yield one._unread.when(), one.transport

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _await_request_after(self, last: RequestResponseCycle | None) -> None:
        def close_if_silent() -> None:
            if self.cycle is last:
                self.transport.close()

        self.loop.call_later(HEAD_SECONDS, close_if_silent)
