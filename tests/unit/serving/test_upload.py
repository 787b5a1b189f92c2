"""An upload is bounded in time; what else is wrong with one is told in test_endpoints.py."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest
from starlette.requests import Request

from gantrans.serving.limits import Limits
from gantrans.serving.problem import Problem
from gantrans.serving.upload import read_upload


def test_an_upload_that_does_not_come_to_an_end_is_given_up() -> None:
    sent = [{"type": "http.request", "body": b"--b\r\nContent-", "more_body": True}]

    async def receive() -> Any:
        return sent.pop() if sent else await silence()

    async def silence() -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    kind = (b"content-type", b"multipart/form-data; boundary=b")
    request = Request({"type": "http", "method": "POST", "headers": [kind]}, receive)
    with pytest.raises(Problem, match=r"longer than 0\.05 seconds") as caught:
        asyncio.run(asyncio.wait_for(read_upload(request, Limits(seconds=0.05)), 20))

    assert caught.value.status == 408
