"""`gantrans check-data`, and what `gantrans run` says of its data at the start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from gantrans.report.layout import LAYOUT
from pictures import folders, photo

Command = Callable[..., tuple[int, str, str]]

SPREAD = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "object",
            "required": ["least", "median", "most"],
            "additionalProperties": {"type": "number"},
        },
    ]
}
TEXT, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
TEXTS = {"type": "array", "items": TEXT}


def thing(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


SCHEMA = thing(
    version={"const": 1},
    name=TEXT,
    dataset=TEXT,
    whole={"type": "boolean"},
    counts=thing(
        images=NUMBER, looked_at=NUMBER, unreadable=NUMBER, errors=NUMBER, warnings=NUMBER,
        notes=NUMBER,
    ),
    groups={
        "type": "array",
        "items": thing(
            split={"enum": ["train", "test"]}, domain={"enum": ["a", "b"]}, name=TEXT,
            images=NUMBER, looked_at=NUMBER, unreadable=NUMBER, gray=NUMBER, width=SPREAD,
            height=SPREAD, proportion=SPREAD,
            stored={"type": "object", "additionalProperties": NUMBER},
        ),
    },
    findings={
        "type": "array",
        "items": thing(
            kind=TEXT, severity={"enum": ["error", "warning", "note"]}, text=TEXT, means=TEXT,
            do=TEXT, count=NUMBER, files=TEXTS, groups={"type": "array", "items": TEXTS},
            reasons=TEXTS,
        ),
    },
)  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    jsonschema.validate(found, SCHEMA)
    return found


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


def kinds(found: dict[str, Any]) -> dict[str, str]:
    return {finding["kind"]: finding["severity"] for finding in found["findings"]}


def test_a_clean_folder_has_nothing_to_complain_of(command: Command, tmp_path: Path) -> None:
    folders(tmp_path / "data", train=100, test=20)
    code, out, err = command("check-data", "data", "--json", "all.json", "--grid", "grid.png")
    assert (code, err) == (0, "")
    assert "nothing to complain of" in out
    found = read(tmp_path / "all.json")
    assert found["findings"] == []
    assert found["counts"] == {
        "images": 240, "looked_at": 240, "unreadable": 0, "errors": 0, "warnings": 0, "notes": 0,
    }  # fmt: skip
    assert [(one["split"], one["name"], one["images"]) for one in found["groups"]] == [
        ("train", "A", 100), ("train", "B", 100), ("test", "A", 20), ("test", "B", 20),
    ]  # fmt: skip
    assert found["groups"][0]["width"] == {"least": 64, "median": 64, "most": 64}
    assert size_of(tmp_path / "grid.png")[0] > 1000


def test_faults_of_a_folder_are_found_listed_and_drawn(command: Command, tmp_path: Path) -> None:
    root = folders(tmp_path / "data")
    whole = (root / "trainA" / "000.png").read_bytes()
    (root / "trainA" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "trainA" / "gone.png").symlink_to("nowhere.png")
    (root / "trainA" / "folder.png").mkdir()
    Image.new("RGB", (64, 48), "navy").save(root / "trainB" / "flat.png")
    Image.new("RGB", (64, 48), "red").save(root / "trainB" / "flat2.png")
    (root / "testA" / "again.png").write_bytes((root / "trainA" / "001.png").read_bytes())
    photo(2, (128, 96)).save(root / "trainB" / "same-scene.jpg")
    code, out, err = command("check-data", "data", "--json", "all.json", "--grid", "grid.png")
    assert (code, err) == (1, "")
    found = read(tmp_path / "all.json")
    assert kinds(found) == {
        "unreadable": "error",
        "leak": "error",
        "nearly_constant": "warning",
        "few_images": "warning",
        "near_in_both_domains": "note",
        "few_test_images": "note",
    }
    unreadable = found["findings"][0]
    assert unreadable["files"] == ["data/trainA/cut.png", "data/trainA/gone.png"]
    assert "truncated" in unreadable["reasons"][0]
    assert "    data/trainA/gone.png: No such file or directory\n" in out
    assert "    data/trainA/001.png = data/testA/again.png\n" in out
    assert "2 errors, 2 warnings, 2 notes" in out
    assert size_of(tmp_path / "grid.png")[1] > 600


def test_a_spec_adds_what_its_transform_does(command: Command, tmp_path: Path, tiny: str) -> None:
    root = folders(tmp_path / "data")
    photo(90, (30, 20)).save(root / "trainA" / "small.png")
    data = '[data]\ntype = "unpaired_folder"\nroot = "data"\n[data.transform]\n'
    head, rest = tiny.split("[data]\n")[0], tiny[tiny.index("[generator]") :]
    (tmp_path / "own.toml").write_text(f"{head}{data}crop = 32\n{rest}")
    code, out, _ = command("check-data", "own.toml", "--json", "all.json")
    assert code == 1
    assert kinds(read(tmp_path / "all.json"))["too_small"] == "error"
    assert "summer (train) are smaller than the crop of 32" in out
    code, out, _ = command("check-data", "own.toml", "--set", "data.transform.resize=32")
    assert code == 0 and "[enlarged]" in out
    (tmp_path / "whole.toml").write_text(f"{head}{data}resize = 30\n{rest}")
    code, out, _ = command("check-data", "whole.toml")
    assert code == 1 and "[unequal_sizes]" in out


def test_a_data_set_that_is_no_files_is_checked_through_its_interface(
    command: Command, spec: Path, tmp_path: Path
) -> None:
    code, _, _ = command("check-data", str(spec), "--json", "all.json")
    found = read(tmp_path / "all.json")
    assert code == 0
    assert found["dataset"] == "seasons" and found["counts"]["looked_at"] == 16
    assert set(kinds(found)) == {"few_images", "few_test_images"}


PLUGIN = '''
"""Tensors of two channels, one of them without a number."""
import torch
from gantrans import Dataset, ImageSource

api_version = 1


class Source(ImageSource):
    def __len__(self):
        return 3

    def image(self, index):
        x = torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(index)) * 2 - 1
        return x / 0 if index == 2 else x

    def label(self, index):
        return f"tensor {index}"


class Tensors(Dataset):
    """Two channels."""

    name = "tensors"

    def source(self, split, domain):
        return Source()

    def channels(self, domain):
        return 2
'''


def test_a_plugins_tensors_are_checked(command: Command, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "tensors.py").write_text(PLUGIN)
    text = spec.read_text()
    start, end = text.index("[data]"), text.index("[generator]")
    spec.write_text(f'{text[:start]}[data]\ntype = "tensors"\n{text[end:]}')
    code, out, _ = command("check-data", str(spec), "--plugin", "tensors.py")
    assert code == 1
    assert "tensor of 2" in out and "    tensor 2: it has pixels that are no finite numbers" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 2, "nothing does not exist; give a spec or the folder of a data set"),
        (["empty"], 1, "no images in empty: found no images, and other files: 1 .txt"),
        (["data", "--set", "seed=1"], 2, "data is a folder: --set and --plugin belong to a spec"),
        (["data", "--json", "there.json"], 2, "there.json exists; choose another --json"),
        (["data", "--grid", "no/grid.png"], 2, "there is no folder no"),
        (["bad.toml"], 2, "bad.toml: this is no valid TOML"),
    ],
)
def test_wrong_use_is_one_message_and_nothing_is_written(
    arguments: list[str], code: int, message: str, command: Command, tmp_path: Path
) -> None:
    folders(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("")
    (tmp_path / "there.json").write_text("mine")
    (tmp_path / "bad.toml").write_text("[data")
    before = sorted(tmp_path.rglob("*"))
    found, out, err = command("check-data", *arguments)
    assert (found, out) == (code, "") and message in err and err.startswith("error: ")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.json").read_text() == "mine"


def test_files_are_replaced_only_when_asked(command: Command, tmp_path: Path) -> None:
    folders(tmp_path / "data")
    (tmp_path / "there.json").write_text("mine")
    assert command("check-data", "data", "--json", "there.json", "--overwrite")[0] == 0
    read(tmp_path / "there.json")


def test_names_that_are_no_utf8_are_shown_and_written(command: Command, tmp_path: Path) -> None:
    root = folders(tmp_path / "data")
    try:
        (root / "trainA" / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    code, out, _ = command("check-data", "data", "--json", "all.json", "--grid", "grid.png")
    assert code == 1 and "data/trainA/caf\\udce9.png: it is no image" in out
    assert os.fsencode(read(tmp_path / "all.json")["findings"][0]["files"][0]) == (
        b"data/trainA/caf\xe9.png"
    )


@pytest.mark.skipif(os.name == "nt", reason="names that hold such characters")
def test_names_send_nothing_to_the_terminal(command: Command, tmp_path: Path) -> None:
    root = folders(tmp_path / "data")
    for folder in root.glob("*B"):  # the name of a domain is that of a folder
        folder.rename(folder.with_name(f"{folder.name[:-1]}\x1b[31mB"))
    for folder in root.glob("*A"):
        folder.rename(folder.with_name(f"{folder.name[:-1]}-cats"))
    (root / "train-cats" / "esc\x1b]0;PWNED\x07.png").write_bytes(b"")
    (root / "train-cats" / "other.\x1b[5m").write_bytes(b"")
    code, out, err = command("check-data", "data", "--json", "all.json")
    assert code == 1
    assert all(line.isprintable() for line in (out + err).splitlines())
    assert r"train-cats/esc\x1b]0;PWNED\x07.png: it is no image" in out
    assert read(tmp_path / "all.json")["findings"][0]["files"] == [
        "data/train-cats/esc\x1b]0;PWNED\x07.png"
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_called_like_an_image_is_ignored_and_nothing_waits_for_it(
    command: Command, tmp_path: Path
) -> None:
    root = folders(tmp_path / "data")
    os.mkfifo(root / "trainA" / "pipe.png")
    (root / "trainA" / "link.png").symlink_to("pipe.png")
    code, out, _ = command("check-data", "data", "--json", "all.json")
    found = read(tmp_path / "all.json")
    assert code == 0 and found["counts"]["images"] == 12
    assert kinds(found)["ignored_files"] == "note"
    assert "2 files of A (train) are not taken for images: 2 pipe/socket/device" in out


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_it_with_a_message_and_without_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    photo(0, (600, 400)).save(tmp_path / "data" / "0.png")
    for n in range(1, 5000):
        (tmp_path / "data" / f"{n}.png").hardlink_to(tmp_path / "data" / "0.png")
    with subprocess.Popen(
        [sys.executable, "-m", "gantrans", "check-data", "data", "--json", "all.json"],
        cwd=tmp_path,
        env={**os.environ, "GANTRANS_PLUGINS": "none"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        time.sleep(0.3)
        while not _children(process.pid):
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: its processes too
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "of 5,000 images; nothing was written" in err and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_run_says_and_keeps_what_it_saw_of_its_data(
    command: Command, tmp_path: Path, tiny: str
) -> None:
    root = folders(tmp_path / "data", train=4, test=2)
    photo(90, (20, 64)).save(root / "trainA" / "narrow.png")
    data = '[data]\ntype = "unpaired_folder"\nroot = "data"\nworkers = 0\n[data.transform]\n'
    head, rest = tiny.split("[data]\n")[0], tiny[tiny.index("[generator]") :]
    (tmp_path / "own.toml").write_text(f"{head}{data}resize = 16\ncrop = 16\n{rest}")
    code, out, err = command("run", "own.toml", "--set", "train.epochs=1")
    assert (code, err) == (0, "")
    folder = tmp_path / "runs" / "tiny-001"
    found = read(folder / "data.json")
    assert not found["whole"] and found["counts"]["looked_at"] == 13
    assert kinds(found) == {
        "extreme_proportions": "warning", "few_images": "warning", "few_test_images": "note",
    }  # fmt: skip
    lines = [line for line in out.splitlines() if line.startswith("data, ")]
    assert len(lines) == 3
    assert all(line in (folder / "log.txt").read_text() for line in lines)
    with Image.open(folder / "batch.png") as picture:
        layout = json.loads(picture.info[LAYOUT])
    assert [len(block["rows"][0]) for block in layout["blocks"]] == [4, 4]


def test_a_data_set_that_cannot_be_looked_at_does_not_stop_a_run(
    command: Command, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("gantrans.training.first_look.quick_look", fail)
    monkeypatch.setattr("gantrans.training.first_look.batch_picture", fail)
    code, out, _ = command("run", str(spec), "--set", "train.epochs=1")
    assert code == 0
    assert "data.json was not written: a bug" in out
    assert "batch.png was not written: a bug" in out
    assert not (tmp_path / "runs" / "tiny-001" / "batch.png").exists()
