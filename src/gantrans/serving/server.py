"""The server: its socket, how it begins and how it ends."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvicorn

from gantrans.errors import GantransError, UsageError
from gantrans.serving.app import application
from gantrans.serving.connection import CONNECTIONS, Connection
from gantrans.serving.limits import Limits
from gantrans.serving.line import Line
from gantrans.serving.models import Served

LAST_SECONDS = 5
"""That answers under way have, once the server is to end."""


@dataclass(frozen=True)
class Door:
    """A socket that has its address, and does not listen yet.

    Args:
        socket: bound.
        port: its number.
        url: of the page.
        hosts: names that this machine has for the address, if it is one of loopback; None: others
            reach it, by names that nobody knows here.
    """

    socket: socket.socket
    port: int
    url: str
    hosts: frozenset[str] | None

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.hosts is not None


def bind(host: str, port: int) -> Door:
    """Take a port, before models are loaded: nobody waits for them to hear that it is taken.

    Args:
        host: a name or an address of this machine; "0.0.0.0" is all of IPv4.
        port: 0 for any that is free.

    Raises:
        UsageError: if there is no such address here, or the port is not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise UsageError(f"there is no host {host!r}: give --host 127.0.0.1, or 0.0.0.0") from None
    door = socket.socket(family, kind, protocol)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except (OSError, OverflowError) as error:
        door.close()
        raise _no_door(host, port, error) from None
    own, taken = door.getsockname()[:2]
    meant = ipaddress.ip_address(own.partition("%")[0])
    shown = socket.gethostname() if meant.is_unspecified else own
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{taken}/"
    hosts = frozenset({"localhost", host.lower()}) if meant.is_loopback else None
    return Door(door, taken, url, hosts)


def _no_door(host: str, port: int, error: Exception) -> GantransError:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is taken: end what uses it, or give another --port (0 takes "
            "one that is free)"
        )
    if code == errno.EACCES:
        return UsageError(f"port {port} is not for you: give a --port above 1023")
    if code == errno.EADDRNOTAVAIL:
        return UsageError(f"{host} is no address of this machine: give --host 127.0.0.1")
    return UsageError(f"cannot take port {port} of {host}: {error}")


class _Server(uvicorn.Server):
    """Has translations stop as soon as it is to end: their answers are waited for."""

    def __init__(self, config: uvicorn.Config, line: Line) -> None:
        super().__init__(config)
        self.line = line

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.line.close()
        await super().shutdown(sockets)


def serve(served: Sequence[Served], door: Door, limits: Limits, ready: Callable[[], None]) -> None:
    """Answer until Ctrl-C or SIGTERM, which are raised again at the end.

    Args:
        served: the models.
        door: where.
        limits: what is taken.
        ready: called when whoever asks is answered.
    """
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # whoever sends it is told
    line = Line(limits)
    app = application(served, limits, line=line, hosts=door.hosts)

    class Answering(Connection):
        seconds = limits.seconds

    config = uvicorn.Config(
        app,
        http=Answering,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    server = _Server(config, line)
    door.socket.listen(128)  # who comes from now on waits a moment, and is not refused
    ready()
    server.run([door.socket])
