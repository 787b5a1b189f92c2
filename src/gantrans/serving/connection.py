"""Connections: how many there may be, and how long each may keep silent."""

from __future__ import annotations

import asyncio

from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from gantrans.serving.guard import Guard

CONNECTIONS = 256
"""Beyond these, whoever asks is told to come again."""

HEAD_SECONDS = 30.0
"""That the head of a request may take, from the connection or the request before on."""

FULL = Guard(
    JSONResponse(
        {"error": f"{CONNECTIONS} connections are open already: try again later"},
        503,
        {"Connection": "close", "Retry-After": "10"},
    ),
    hosts=None,
)


class Connection(H11Protocol):
    """One of uvicorn's, closed if it does not ask in time; one too many is answered in JSON."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio says."""
        super().connection_made(transport)
        self._await_request_after(None)

    def handle_events(self) -> None:
        """Answer what has been read."""
        self.app = FULL if len(self.connections) > CONNECTIONS else self.config.loaded_app
        super().handle_events()

    def on_response_complete(self) -> None:
        """What comes now is another request."""
        answered = self.cycle
        super().on_response_complete()
        self._await_request_after(answered)

    def _await_request_after(self, last: RequestResponseCycle | None) -> None:
        def close_if_silent() -> None:
            if self.cycle is last:
                self.transport.close()

        self.loop.call_later(HEAD_SECONDS, close_if_silent)
