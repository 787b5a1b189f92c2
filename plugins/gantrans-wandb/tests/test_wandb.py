from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from wandb.proto.wandb_internal_pb2 import Record

import gantrans
from gantrans_wandb.weights_and_biases import WeightsAndBiases

RUN = [
    sys.executable,
    "-m",
    "gantrans",
    "run",
    "spec.toml",
    *["--run-dir", "run", "--device", "cpu"],
]
TOML = """\
[domains]
a = "summer"
b = "winter"

[data]
type = "seasons"
size = 32
train = 3
test = 1
workers = 0

[generator]
type = "resnet"
width = 4
blocks = 1

[discriminator]
type = "patchgan"
width = 4
layers = 2

[losses.adversarial]

[losses.cycle]

[train]
epochs = 1
log_every = 1
sample_every = 0
evaluate_every = 3

[trackers.jsonl]

[trackers.wandb]
"""


def tracker(run_dir: Path, start_step: int = 0, **settings: Any) -> WeightsAndBiases:
    built: WeightsAndBiases = WeightsAndBiases.Config(**settings).build(
        run_dir=run_dir, start_step=start_step
    )
    return built


def fresh() -> dict[str, str]:
    """The environment of a process of its own: wandb leaves the address of its service in ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}


def sessions(run_dir: Path) -> list[Path]:
    """The folder of each session, in order of time."""
    return sorted((run_dir / "wandb").glob("offline-run-*"))


def records(session: Path) -> Iterator[Record]:
    """What a .wandb file holds: LevelDB's log, in blocks of 32 KiB, after 7 bytes of header."""
    [file] = session.glob("*.wandb")
    data, at, parts = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:  # the rest of a block that is too short for a header
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


def complete(session: Path) -> list[Record]:
    """All that was recorded: wandb's own process writes it a moment after `close`."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = list(records(session))
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        time.sleep(0.02)
    raise TimeoutError(session)


def history(run_dir: Path) -> list[tuple[int, str, Any]]:
    """(step, curve, value) of all sessions in the order in which `wandb sync` sends them."""
    return [point for session in sessions(run_dir) for point in points(complete(session))]


def points(found: Iterable[Record]) -> Iterator[tuple[int, str, Any]]:
    """(step, curve, value)"""
    for record in found:
        if record.WhichOneof("record_type") != "history":
            continue
        values: dict[str, Any] = {}
        for item in record.history.item:
            name, *of_it = item.nested_key or [item.key]
            value = json.loads(item.value_json)
            if of_it:  # a picture: what is known of it
                values.setdefault(name, {})[of_it[0]] = value
            elif not name.startswith("_"):  # wandb's own: _step, _timestamp, _runtime
                values[name] = value
        yield from ((record.history.step.num, name, value) for name, value in values.items())


def runs(run_dir: Path) -> list[Any]:
    """What each session says of its run."""
    return [
        record.run
        for session in sessions(run_dir)
        for record in complete(session)
        if record.WhichOneof("record_type") == "run"
    ]


def config(run: Any) -> dict[str, Any]:
    return {update.key: json.loads(update.value_json) for update in run.config.update}


def test_curves_keep_their_names_steps_and_values(tmp_path: Path) -> None:
    written = tracker(tmp_path)
    written.scalars(20, {"generators/cycle/summer": 0.1, "metrics/psnr/summer->winter": 19.5})
    written.scalars(40, {"generators/cycle/summer": 0.25})
    written.close()

    assert sorted(history(tmp_path)) == [
        (20, "generators/cycle/summer", 0.1),
        (20, "metrics/psnr/summer->winter", 19.5),
        (40, "generators/cycle/summer", 0.25),
    ]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_comes_back_pixel_by_pixel(mode: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    written = tracker(tmp_path)
    written.images(20, "samples", image)
    written.close()

    [(step, name, described)] = history(tmp_path)
    [session] = sessions(tmp_path)
    with Image.open(session / "files" / described["path"]) as back:
        assert (step, name, back.size) == (20, "samples", (40, 30))
        assert back.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_a_run_reports_the_same_numbers_to_both_trackers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "gantrans-wandb")
    spec = tomllib.loads(TOML)
    spec["train"]["sample_every"] = 3
    spec["trackers"]["wandb"] = {"project": "seasons", "group": "g", "tags": ["x", "y"]}
    run_dir = tmp_path / "first try"
    gantrans.run(spec, run_dir=run_dir, device="cpu")

    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    expected = {
        (report["step"], name): value
        for report in map(json.loads, lines)
        for name, value in report.items()
        if name != "step"
    }
    found = {(step, name): value for step, name, value in history(run_dir)}
    picture = found.pop((3, "samples"))
    assert found == expected
    [sample] = (run_dir / "samples").glob("*.png")
    with Image.open(sample) as image:
        assert (picture["width"], picture["height"]) == image.size
    [run] = runs(run_dir)
    resolved = json.loads((run_dir / "spec.resolved.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in config(run).items() if key != "_wandb"} == resolved["spec"]
    assert (run.project, run.run_group, list(run.tags)) == ("seasons", "g", ["x", "y"])
    assert run.display_name == "first try"


@pytest.mark.parametrize("resumed_at", [0, 20, 40])
def test_a_resumed_run_is_the_same_run_and_reports_each_step_once(
    resumed_at: int, tmp_path: Path
) -> None:
    for start, last in ((0, 40), (resumed_at, 60), (resumed_at, 80)):  # killed twice
        written = tracker(tmp_path, start_step=start)
        for step in range(start + 20, last + 1, 20):
            written.scalars(step, {"x": float(step)})
            written.scalars(step, {"metrics/y": float(-step)})
        written.close()
        time.sleep(1.1)  # wandb names the folders of sessions by the second

    assert len({run.run_id for run in runs(tmp_path)}) == 1
    assert [point for point in history(tmp_path) if point[1] == "x"] == [
        (step, "x", float(step)) for step in (20, 40, 60, 80)
    ]
    assert [point[2] for point in history(tmp_path) if point[1] == "metrics/y"] == [
        -20.0,
        -40.0,
        -60.0,
        -80.0,
    ]


def test_a_damaged_note_of_what_was_sent_begins_a_new_run(tmp_path: Path) -> None:
    tracker(tmp_path).close()
    (tmp_path / "wandb" / "gantrans.json").write_text('{"id": "ab', encoding="utf-8")
    written = tracker(tmp_path, start_step=20)
    written.scalars(40, {"x": 1.0})
    written.close()

    assert (40, "x", 1.0) in history(tmp_path)


def test_offline_touches_neither_the_network_nor_the_folder_it_runs_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python's sockets are blocked but for those of this machine; a server waits for wandb-core."""
    (tmp_path / "cwd").mkdir()
    (tmp_path / "run").mkdir()
    asked: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_notice, args=(server, asked), daemon=True).start()
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        code = (
            "import socket, sys\n"
            "def blocked(self, address, real=socket.socket.connect):\n"
            "    assert self.family == socket.AF_UNIX, address\n"
            "    return real(self, address)\n"
            "socket.socket.connect = blocked\n"
            "from pathlib import Path\n"
            "from PIL import Image\n"
            "from gantrans_wandb.weights_and_biases import WeightsAndBiases\n"
            "t = WeightsAndBiases.Config().build(run_dir=Path(sys.argv[1]), start_step=0)\n"
            "t.scalars(20, {'x': 0.5})\n"
            "t.images(20, 'samples', Image.new('RGB', (8, 8)))\n"
            "t.close()\n"
        )
        addresses = dict.fromkeys(("WANDB_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run")],
            cwd=tmp_path / "cwd",
            env={**fresh(), **addresses, "WANDB_API_KEY": "0" * 40},
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (20, "x", 0.5) in history(tmp_path / "run")
    assert asked == []
    assert list((tmp_path / "cwd").iterdir()) == []


def _notice(server: socket.socket, asked: list[object]) -> None:
    while True:
        try:
            connection, address = server.accept()
        except OSError:
            return
        asked.append(address)
        connection.close()


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    written = tracker(tmp_path, mode="disabled")
    written.scalars(20, {"x": 0.5})
    written.images(20, "samples", Image.new("RGB", (8, 8)))
    written.close()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("", "nobody is logged in to Weights & Biases: run `wandb login`"),
        ("0" * 40, "Weights & Biases cannot begin a run"),
    ],
)
def test_trouble_with_the_account_or_the_network_is_one_line_and_the_run_goes_on(
    key: str, complaint: str, tmp_path: Path
) -> None:
    """In a process of its own, which must also end promptly; port 9 answers nobody."""
    (tmp_path / "spec.toml").write_text(TOML + 'mode = "online"\n', encoding="utf-8")
    environment = {
        **fresh(),
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / "netrc"),
        "WANDB_BASE_URL": "http://127.0.0.1:9",
        "GANTRANS_PLUGINS": "gantrans-wandb",
        **({"WANDB_API_KEY": key} if key else {}),
    }
    done = subprocess.run(
        RUN,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    said = [line for line in (done.stdout + done.stderr).splitlines() if "wandb" in line]
    assert len(said) == 1 and complaint in said[0], done
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) >= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_or_killed_run_leaves_what_it_reported_and_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    toml = TOML.replace("epochs = 1\n", "epochs = 10000\n")
    (tmp_path / "spec.toml").write_text(toml, encoding="utf-8")
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        RUN,
        cwd=tmp_path,
        env={**fresh(), "GANTRANS_PLUGINS": "gantrans-wandb"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    note = run_dir / "wandb" / "gantrans.json"
    while not (note.exists() and json.loads(note.read_text())["step"] >= 5):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    process.wait(timeout=30)

    cores = [pid for pid in Path("/proc").glob("[0-9]*") if _serves(pid, process.pid)]
    while any(pid.exists() for pid in cores):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [session] = sessions(run_dir)
    steps = sorted({step for step, _, _ in points(records(session))})
    kept = json.loads(note.read_text())["step"]
    assert kept >= 5 and steps[: kept - 1] == list(range(1, kept))
    assert kept - 1 <= steps[-1] <= kept + 1  # the newest may have been on its way


def _serves(process: Path, pid: int) -> bool:
    try:
        command = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"wandb-core" in command[0] and str(pid).encode() in command
