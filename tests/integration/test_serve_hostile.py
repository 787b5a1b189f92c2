"""An attack on `gantrans serve`: odd requests and odd clients, all on one process.

After each of them the server answers an ordinary request, and its terminal stays silent.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx2
import pytest

from hostile_images import HOSTILE, many_scans
from processes import Launcher
from served_model import as_file, landscape
from serving_process import Running, pixels, serving

LIMITS = ("--max-upload", "2MiB", "--max-pixels", "1000000", "--timeout", "20")
TYPE = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def attacked(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The process."""
    with serving(launcher, tmp_path_factory.mktemp("attacked"), LIMITS) as running:
        yield running


@pytest.fixture(autouse=True)
def answers_afterwards(attacked: Running) -> Iterator[None]:
    """Have an ordinary image translated after each test."""
    yield
    image = landscape()
    answer = attacked.ask(as_file(image))
    assert answer.status_code == 200
    assert pixels(answer.content) == attacked.translated(image)


def connected(running: Running) -> socket.socket:
    """A client that takes in as little as the system allows."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # else 64 KiB come at once
    client.settimeout(20)
    client.connect(("127.0.0.1", int(running.url.strip("/").rpartition(":")[2])))
    return client


def head_of(running: Running, request: bytes) -> bytes:
    """The first 12 bytes of the answer; none if the server does not read all of the request."""
    head = b""
    with connected(running) as client, suppress(ConnectionError):
        client.sendall(request)
        while len(head) < 12 and (part := client.recv(12 - len(head))):
            head += part
    return head


def waiting(running: Running) -> int:
    return int(httpx2.get(running.url + "api/health").json()["waiting"])


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """The body of a form; each part is (its parameters, its content)."""
    return (
        b"".join(
            b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (name.encode(), content)
            for name, content in parts
        )
        + end
    )


def request(line: str, *headers: str, body: bytes = b"", host: str = "Host: 127.0.0.1") -> bytes:
    """As bytes."""
    lines = [f"{line} HTTP/1.1", host, *headers]
    return "\r\n".join(filter(None, lines)).encode() + b"\r\n\r\n" + body


def post(body: bytes, *headers: str, type: str = TYPE, length: object = None) -> bytes:
    """One for a translation."""
    size = len(body) if length is None else length
    headers = (f"Content-Type: {type}", f"Content-Length: {size}", *headers)
    return request("POST /api/translate", *headers, body=body)


FILE, MODEL, TO = (
    ('name="file"; filename="a.png"', as_file(landscape())),
    ('name="model"', b"seasons-001"),
    ('name="to"', b"winter"),
)
GOOD = form(FILE, MODEL, TO)
CHUNKED = ("Content-Type: " + TYPE, "Transfer-Encoding: chunked")

REQUESTS: dict[str, tuple[bytes, int | None]] = {
    "nothing odd": (post(GOOD), 200),
    # HTTP
    "noise": (bytes(range(256)) * 4 + b"\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 403),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
    "no method that is known": (request("STEAL /"), 405),
    "a proxy's request": (request("GET http://elsewhere.example/"), 404),
    "CONNECT": (request("CONNECT elsewhere.example:443"), 404),
    "websocket": (request("GET /", "Connection: Upgrade", "Upgrade: websocket"), 200),
    "giant header": (request("GET /", "X: " + "x" * 200_000), None),
    "giant path": (request("GET /" + "x" * 200_000), None),
    "3,000 headers": (request("GET /", *["X: 1"] * 3000), 200),
    "a header without a name": (request("GET /", ": x"), 400),
    "a header with a null": (request("GET /", "X: \0"), 400),
    # Who asks
    "no host": (request("GET /", host=""), 400),
    "two hosts": (request("GET /", "Host: elsewhere.example"), 400),
    "another host": (request("GET /", host="Host: elsewhere.example"), 403),
    "a host with a user": (request("GET /", host="Host: me@127.0.0.1"), 403),
    "another address": (request("GET /", host="Host: 192.0.2.1"), 403),
    "this machine's address, odd": (request("GET /", host="Host: 127.9.8.7:1"), 200),
    "another origin": (post(GOOD, "Origin: https://elsewhere.example"), 403),
    "no origin": (post(GOOD, "Origin: null"), 403),
    "an origin that is none": (post(GOOD, "Origin: http://[::1"), 403),
    # Paths
    "path traversal": (request("GET /assets/../../../etc/passwd"), 404),
    "path traversal, encoded": (request("GET /assets/..%2f..%2f..%2fetc%2fpasswd"), 404),
    "path traversal, encoded twice": (request("GET /assets/%252e%252e%252fserve.js"), 404),
    "path with a null": (request("GET /assets/serve.js%00"), 404),
    "path that is not UTF-8": (request("GET /%ff%fe"), 404),
    # Lengths
    "length below": (post(GOOD, length=len(GOOD) - 30), 400),
    "length negative": (post(GOOD, length=-1), 400),
    "length no number": (post(GOOD, length="many"), 400),
    "length without end": (post(GOOD, length="9" * 40), 400),
    "two lengths": (post(GOOD, "Content-Length: 7"), 400),
    "a terabyte": (post(GOOD, length=2**40), 413),
    "too much": (post(form(('name="file"; filename="a"', bytes(3 * 2**20)))), 413),
    "chunk of no size": (request("POST /api/translate", *CHUNKED, body=b"zz\r\nx\r\n"), 400),
    "no chunks": (request("POST /api/translate", *CHUNKED, body=b"0\r\n\r\n"), 400),
    # Forms
    "JSON": (post(b'{"file": "a.png"}', type="application/json"), 415),
    "no type": (request("POST /api/translate", "Content-Length: 3", body=b"abc"), 415),
    "no boundary": (post(GOOD, type="multipart/form-data"), 400),
    "another boundary": (post(GOOD, type="multipart/form-data; boundary=c"), 400),
    "giant boundary": (post(GOOD, type="multipart/form-data; boundary=" + "b" * 20_000), 400),
    "no such charset": (post(GOOD, type=TYPE + "; charset=no-such"), 200),
    "no end": (post(form(FILE, MODEL, TO, end=b"")), 400),
    "no parts": (post(form()), 400),
    "no file": (post(form(MODEL, TO)), 400),
    "file without a name": (post(form(('name="file"', b"x"), MODEL, TO)), 400),
    "file that is empty": (post(form(('name="file"; filename="a"', b""), MODEL, TO)), 400),
    "two files": (post(form(FILE, FILE, MODEL, TO)), 400),
    "1,000 fields": (post(form(FILE, *[TO] * 1000)), 400),
    "giant field": (post(form(FILE, ('name="to"', b"x" * 100_000))), 400),
    "part without a name": (post(form(("x=y", b"x"), FILE)), 400),
    "part with giant headers": (post(form((f'name="{"x" * 100_000}"', b"x"))), 400),
    # Options
    "no such model": (post(form(FILE, ('name="model"', b"../seasons-001"), TO)), 404),
    "a model that is not UTF-8": (post(form(FILE, ('name="model"', b"\xff\0"), TO)), 404),
    "no such domain": (post(form(FILE, MODEL, ('name="to"', "spring\n🌸".encode()))), 400),
    "no truth": (post(form(FILE, MODEL, TO, ('name="round_trip"', b"2"))), 400),
}


@pytest.mark.parametrize(("request_", "status"), REQUESTS.values(), ids=REQUESTS)
def test_odd_requests_have_their_answer(
    request_: bytes, status: int | None, attacked: Running
) -> None:
    head = head_of(attacked, request_)

    assert head == b"HTTP/1.1 %d" % status if status else head in (b"", b"HTTP/1.1 400")


@pytest.mark.parametrize(("content", "status"), HOSTILE.values(), ids=HOSTILE)
def test_odd_images_have_their_answer(content: bytes, status: int, attacked: Running) -> None:
    answer = attacked.ask(content)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("../../../etc/passwd", "passwd.winter.png"),
        ("..\\..\\boot.png", "boot.winter.png"),
        ("..", "image.winter.png"),
        ("a\0b\x1b[2J.png", "ab[2J.winter.png"),
        ("\u202egnp.exe", "gnp.winter.png"),
        ("x" * 3000 + ".png", "x" * 196 + ".winter.png"),
        ("büro 🌸.png", "büro 🌸.winter.png"),
    ],
)
def test_odd_names_become_plain_ones(name: str, given: str, attacked: Running) -> None:
    body = form((f'name="file"; filename="{name}"', FILE[1]), MODEL, TO)

    answer = httpx2.post(
        attacked.url + "api/translate", content=body, headers={"Content-Type": TYPE}
    )

    assert answer.json()["output"]["name"] == given


def test_clients_that_do_not_read_hold_up_nobody(attacked: Running) -> None:
    image = as_file(landscape((300, 300)), "BMP")
    body = form((FILE[0], image), MODEL, TO, ('name="round_trip"', b"true"))

    with ExitStack() as stuck:
        for _ in range(9):  # as many as have a place
            client = stuck.enter_context(connected(attacked))
            client.sendall(post(body, "Accept: application/x-ndjson"))
        give_up = time.monotonic() + 20
        while waiting(attacked) and time.monotonic() < give_up:
            pass
        assert attacked.ask(FILE[1]).status_code == 200


def test_clients_that_leave_hold_up_nobody(attacked: Running) -> None:
    body = post(form((FILE[0], many_scans(100_000, 1000)), MODEL, TO))  # two minutes

    for size in (0, 1, 50, 200, len(body) // 2, len(body) - 1, len(body)):
        with connected(attacked) as client:
            client.sendall(body[:size])
        with connected(attacked) as client:
            client.sendall(body[:size])
            client.shutdown(socket.SHUT_WR)
        with connected(attacked) as client:
            client.sendall(body[:size])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_requests_that_come_together_are_answered_in_order(attacked: Running) -> None:
    asked = request("GET /api/health") + request("GET /nix") + post(GOOD) + request("GET /nix")
    with connected(attacked) as client:
        client.sendall(asked + request("GET /api/health", "Connection: close"))
        came = b""
        while part := client.recv(2**16):
            came += part

    statuses = [part[:3] for part in came.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200", b"404", b"200"]
    assert json.loads(came.rpartition(b"\r\n\r\n")[2])["status"] == "ok"


def test_more_connections_than_there_may_be_are_refused(attacked: Running) -> None:
    with ExitStack() as idle:
        clients = [idle.enter_context(connected(attacked)) for _ in range(513)]
        assert clients[-1].recv(1) == b""  # it was dropped
        clients[0].sendall(request("GET /"))
        assert clients[0].recv(12) == b"HTTP/1.1 503"
    give_up = time.monotonic() + 20
    while head_of(attacked, request("GET /")) != b"HTTP/1.1 200":  # until they are gone
        assert time.monotonic() < give_up
