"""The endpoints, as programs meet them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import jsonschema
import pytest
from PIL import Image
from starlette.formparsers import MultiPartParser
from starlette.testclient import TestClient

from gantrans.serving import endpoints
from gantrans.serving.app import application
from gantrans.serving.limits import Limits
from gantrans.serving.line import Line
from gantrans.serving.models import Served
from hostile_images import many_scans
from served_model import as_file, landscape

STREAM = {"Accept": "application/x-ndjson"}
IMAGE = {"Accept": "image/*"}


def ask(
    client: TestClient,
    content: bytes | None = None,
    name: str = "photo.png",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Any:
    """POST /api/translate, to winter by seasons-001 unless said otherwise."""
    content = as_file(landscape()) if content is None else content
    data = {"model": "seasons-001", "to": "winter", **fields}
    return client.post(
        "/api/translate", files={"file": (name, content)}, data=data, headers=headers or {}
    )


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).tobytes()


def expected(served: Served, image: Image.Image, to: str = "winter") -> bytes:
    return served.translator.translate(image, to).tobytes()


@pytest.fixture
def schema(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def conforms(answer: Any, schema: dict[str, Any], path: str, method: str = "get") -> None:
    """Raise unless the answer is what the document says of its status."""
    responses = schema["paths"][path][method]["responses"]
    wanted = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**wanted, "components": schema["components"]})


def test_the_models_are_listed_with_what_they_can_and_what_is_taken(
    client: TestClient, schema: dict[str, Any]
) -> None:
    answer = client.get("/api/models")

    conforms(answer, schema, "/api/models")
    both, one = answer.json()["models"]
    assert both["name"] == "seasons-001" and both["domains"] == ["summer", "winter"]
    assert [(d["source"], d["target"], d["round_trip"]) for d in both["directions"]] == [
        ("summer", "winter", True),
        ("winter", "summer", True),
    ]
    assert (both["step"], both["trained_at"]) == (10, 64)
    [way] = one["directions"]
    assert (way["in_channels"], way["out_channels"], way["round_trip"]) == (3, 1, False)
    assert answer.json()["limits"] == {
        "upload_bytes": 100_000,
        "pixels": 10_000,
        "seconds": 30,
        "queue": 8,
    }


def test_health_says_that_all_is_well(client: TestClient, schema: dict[str, Any]) -> None:
    answer = client.get("/api/health")

    conforms(answer, schema, "/api/health")
    assert (answer.json()["status"], answer.json()["waiting"]) == ("ok", 0)


def test_a_translation_comes_as_json(
    client: TestClient, schema: dict[str, Any], served: Sequence[Served]
) -> None:
    image = landscape()

    answer = ask(client, as_file(image), round_trip="true")

    assert answer.status_code == 200
    conforms(answer, schema, "/api/translate", "post")
    found = answer.json()
    output = found["output"]
    assert (found["model"], found["to"]) == ("seasons-001", "winter")
    assert (output["name"], output["media_type"]) == ("photo.winter.png", "image/png")
    assert (output["width"], output["height"]) == image.size
    assert pixels(base64.b64decode(output["data"])) == expected(served[0], image)
    assert found["round_trip"]["name"] == "photo.cycle.png"


def test_whoever_accepts_images_gets_the_image(
    client: TestClient, served: Sequence[Served]
) -> None:
    image = landscape()

    answer = ask(client, as_file(image), "bürö.png", IMAGE)

    assert answer.headers["content-type"] == "image/png"
    named = "attachment; filename*=UTF-8''b%C3%BCr%C3%B6.winter.png"
    assert answer.headers["content-disposition"] == named
    assert pixels(answer.content) == expected(served[0], image)


def test_a_stream_says_how_far_it_is_and_ends_with_the_result(client: TestClient) -> None:
    plain = ask(client).json()

    answer = ask(client, headers=STREAM)

    *before, last = map(json.loads, answer.text.splitlines())
    assert before and all(event.keys() == {"ahead", "share"} for event in before)
    assert last == {"result": plain}


def test_the_stream_of_what_fails_ends_with_its_message(client: TestClient) -> None:
    answer = ask(client, b"hello", headers=STREAM)

    last = json.loads(answer.text.splitlines()[-1])
    assert last == {"error": ask(client, b"hello").json()["error"], "status": 415}


def test_model_and_direction_may_be_left_out_where_there_is_one(served: Sequence[Served]) -> None:
    with TestClient(application(served[1:], Limits()), base_url="http://localhost") as client:
        answer = client.post("/api/translate", files={"file": ("a.png", as_file(landscape()))})

    assert answer.json()["to"] == "winter"


@pytest.mark.parametrize(
    ("status", "message", "fields"),
    [
        (404, "no model 'summers'; there are: seasons-001, etchings-001", {"model": "summers"}),
        (400, "does not translate to 'spring'", {"to": "spring"}),
        (400, "no way back", {"model": "etchings-001", "round_trip": "true"}),
        (400, "round_trip is true or false, not 'maybe'", {"round_trip": "maybe"}),
    ],
)
def test_wrong_fields_are_told_by_name(
    status: int,
    message: str,
    fields: dict[str, str],
    client: TestClient,
    schema: dict[str, Any],
) -> None:
    answer = ask(client, **fields)

    assert answer.status_code == status
    assert message in answer.json()["error"]
    conforms(answer, schema, "/api/translate", "post")


@pytest.mark.parametrize(
    ("status", "message", "request_"),
    [
        (415, "multipart/form-data", {"json": {"file": "photo.png"}}),
        (415, "multipart/form-data", {}),
        (400, "no image in the form", {"files": {"picture": ("a.png", b"x")}}),
        (400, "Too many files", {"files": {"file": ("a.png", b"x"), "more": ("b.png", b"x")}}),
        (400, "is empty", {"files": {"file": ("a.png", b"")}}),
        (
            400,
            "cannot be read",
            {"content": b"nothing", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        ),
        (400, "boundary", {"content": b"", "headers": {"Content-Type": "multipart/form-data"}}),
        (
            400,
            "no text in multipart/form-data; boundary=b; charset=undefined",
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
                "headers": {"Content-Type": "multipart/form-data; boundary=b; charset=undefined"},
            },
        ),
    ],
)
def test_what_is_no_such_form_is_told(
    status: int, message: str, request_: dict[str, Any], client: TestClient
) -> None:
    answer = client.post("/api/translate", **request_)

    assert answer.status_code == status
    assert message in answer.json()["error"]


@pytest.mark.parametrize("told", [True, False], ids=["with its length", "in chunks"])
def test_a_file_of_too_many_bytes_is_refused_without_being_kept(
    told: bool, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    write = MultiPartParser.on_part_data

    def noted(self: Any, data: bytes, start: int, end: int) -> None:
        kept.append(end - start)
        write(self, data, start, end)

    monkeypatch.setattr(MultiPartParser, "on_part_data", noted)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    parts = [head, *[b"x" * 10_000] * 30, b"\r\n--b--\r\n"]
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    answer = client.post(
        "/api/translate", content=b"".join(parts) if told else iter(parts), headers=headers
    )

    assert answer.status_code == 413
    assert "at most 0.0954 MiB" in answer.json()["error"]
    assert sum(kept) <= (0 if told else 100_000 + 2**14)


def test_nothing_that_is_sent_touches_a_disk(
    served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    noise = Image.effect_noise((1500, 1000), 90)
    content = as_file(noise)
    assert len(content) > 2**20  # from which on Starlette would use one
    with TestClient(application(served, Limits(pixels=100)), base_url="http://localhost") as client:
        answer = ask(client, content)

    assert answer.status_code == 413 and "too many pixels" in answer.json()["error"]


def test_names_from_elsewhere_lose_their_folders(client: TestClient) -> None:
    for name in ("../../etc/photo.png", "C:\\Users\\me\\photo.png", "/photo.png", "ph:o?to.png"):
        assert ask(client, name=name).json()["output"]["name"] == "photo.winter.png"


def test_concurrent_requests_get_each_its_own_translation(
    client: TestClient, served: Sequence[Served]
) -> None:
    images = [landscape((20 + n, 16), hue=n) for n in range(8)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda i: ask(client, as_file(i), headers=IMAGE), images))

    assert [a.status_code for a in answers] == [200] * 8
    assert [pixels(a.content) for a in answers] == [expected(served[0], i) for i in images]


@pytest.fixture
def held(served: Sequence[Served], monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Translations wait until it is set; they can be stopped."""
    go = threading.Event()
    translate = served[0].translator.translate_image

    def wait(image: Any, to: str, look: Any) -> Any:
        while not go.wait(0.01):
            look(0.5)
        return translate(image, to)

    monkeypatch.setattr(served[0].translator, "translate_image", wait)
    yield go
    go.set()


@pytest.mark.parametrize("headers", [{}, STREAM], ids=["json", "stream"])
def test_more_than_may_wait_are_told_to_come_again(
    headers: dict[str, str], served: Sequence[Served], held: threading.Event
) -> None:
    app = application(served, Limits(queue=1))
    with (
        TestClient(app, base_url="http://localhost") as client,
        ThreadPoolExecutor(2) as threads,
    ):
        first = [threads.submit(ask, client, headers=headers) for _ in range(2)]
        while client.get("/api/health").json()["waiting"] < 2:
            pass
        refused = ask(client)
        held.set()
        assert [one.result().status_code for one in first] == [200, 200]
        again = ask(client)
        waiting = client.get("/api/health").json()["waiting"]

    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    assert "2 images wait already" in refused.json()["error"]
    assert (again.status_code, waiting) == (200, 0)


def test_what_takes_too_long_is_answered_so_and_the_next_is_translated(
    served: Sequence[Served], held: threading.Event
) -> None:
    line = Line(Limits(seconds=0.2))
    app = application(served, Limits(), line=line)
    with TestClient(app, base_url="http://localhost") as client:
        late = ask(client)
        held.set()
        line.limits = Limits()
        next_ = ask(client)

    assert late.status_code == 504 and "longer than 0.2 seconds" in late.json()["error"]
    assert next_.status_code == 200


def test_a_file_that_takes_minutes_to_decode_is_answered_in_time_and_holds_up_nobody(
    served: Sequence[Served],
) -> None:
    line = Line(Limits(seconds=0.2))
    app = application(served, Limits(), line=line)
    with TestClient(app, base_url="http://localhost") as client:
        late = ask(client, many_scans(100_000, 2000))
        line.limits = Limits(seconds=20)
        next_ = ask(client)

    assert (late.status_code, next_.status_code) == (504, 200)


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_the_translation_of_whoever_has_gone_is_stopped(
    accept: str, served: Sequence[Served], held: threading.Event
) -> None:
    line = Line(Limits())
    app = application(served, Limits(), line=line)
    form = {"model": "seasons-001", "to": "winter"}
    sent = httpx2.Request(
        "POST",
        "http://localhost/api/translate",
        files={"file": ("a.png", as_file(landscape()))},
        data=form,
        headers={"Accept": accept},
    )
    messages = [{"type": "http.request", "body": sent.read()}, {"type": "http.disconnect"}]
    answers = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/translate",
        "query_string": b"",
        "headers": [(key.lower(), value) for key, value in sent.headers.raw],
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 20))  # and not for the translation

    assert line.waiting == 0
    assert asyncio.run(asyncio.wait_for(_next(line), 20)) == "next"
    assert b"result" not in b"".join(a.get("body", b"") for a in answers)
    line.close()


async def _next(line: Line) -> Any:
    return [state async for state in line(lambda look: "next")][-1]


def test_a_network_that_gives_no_numbers_is_told(
    client: TestClient, served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = next(served[0].translator.generators["winter"].parameters())
    monkeypatch.setattr(weight, "data", weight.data * float("nan"))

    answer = ask(client)

    assert answer.status_code == 500 and "NaN" in answer.json()["error"]


def test_a_bug_is_told_without_its_inside(
    served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("in /home/me/secret.py")

    monkeypatch.setattr(endpoints, "translate", fail)
    app = application(served, Limits())
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        answer = ask(client)

    assert answer.status_code == 500
    assert answer.json() == {"error": endpoints.FAULT}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        (
            "GET",
            "/nix",
            404,
            "there is nothing here: the page is at /, the endpoints are under /api",
        ),
        ("PUT", "/", 405, "this address is asked with GET"),
        ("GET", "/api/translate", 405, "this address is asked with POST"),
    ],
)
def test_what_is_not_there_is_told_as_json(
    method: str, path: str, status: int, message: str, client: TestClient
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.json() == {"error": message}


@pytest.mark.parametrize("path", ["/", "/api", "/api/models", "/assets/serve.js", "/openapi.json"])
def test_head_is_answered_as_get_without_the_content(path: str, client: TestClient) -> None:
    head, whole = client.head(path), client.get(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


def test_media_types_are_written_in_any_case(client: TestClient) -> None:
    sent = client.build_request("POST", "/", files={"file": ("a.png", as_file(landscape()))})
    kind = sent.headers["Content-Type"].replace("multipart/form-data", "Multipart/Form-Data")

    answer = client.post("/api/translate", content=sent.read(), headers={"Content-Type": kind})

    assert "say which model" in answer.json()["error"]  # so the form has been read


def test_every_reference_in_the_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    references = [part.split('"')[0] for part in json.dumps(schema).split('"$ref": "#/')[1:]]
    assert references
    for reference in references:
        place: Any = schema
        for key in reference.split("/"):
            place = place[key]
