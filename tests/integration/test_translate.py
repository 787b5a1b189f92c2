"""`gantrans translate` as a user meets it: a run directory in, image files out."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image, ImageDraw
from typer.testing import CliRunner, Result

from gantrans.cli import main
from gantrans.cli.translate import translate
from gantrans.errors import CheckpointError, GantransError, PluginError, UsageError
from gantrans.inference import translator
from processes import Launcher
from rank_processes import one_message, run_ranks
from served_model import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with one checkpoint, both generators tiny and untrained."""
    return write_run(tmp_path_factory.mktemp("runs") / "seasons-001", width=4)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Landscapes of many sizes, modes and formats, one of them in a subfolder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name, size, mode in [
        ("dot.png", (1, 1), "RGB"),
        ("gray.bmp", (5, 7), "L"),
        ("palette.png", (33, 64), "P"),
        ("clear.webp", (64, 64), "RGBA"),
        ("deep.tiff", (101, 57), "I;16"),
        ("photo.jpg", (40, 30), "RGB"),
        ("sub/more.png", (8, 8), "RGB"),
    ]:
        image = Image.new("RGB", size, "skyblue")
        ImageDraw.Draw(image).rectangle((0, size[1] // 2, size[0], size[1]), fill="seagreen")
        image.convert("I" if mode == "I;16" else mode).convert(mode).save(folder / name)
    return folder


def gantrans_translate(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(translate)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_translated_with_names_sizes_and_formats_kept(run, photos, tmp_path):
    out = tmp_path / "deep" / "out"
    result = gantrans_translate(run, photos, "--out", out, "--to", "winter", "--device", "cpu")
    assert result.exit_code == 0, result.output
    given = {path.name: path for path in photos.iterdir() if path.is_file()}
    written = {path.name: path for path in out.iterdir()}
    assert written.keys() == given.keys()
    for name, path in written.items():
        with Image.open(path) as image, Image.open(given[name]) as original:
            assert (image.size, image.format) == (original.size, original.format), name
            assert image.mode == "RGB"
    lines = result.stdout.splitlines()
    assert lines[0] == f"1/6 {photos / 'clear.webp'} -> {out / 'clear.webp'}"
    assert lines[-2].startswith("left out 1 image in subfolders")
    said = rf"6 images translated to winter, in {re.escape(str(out))} \([\d.e+]+ images/s\)"
    assert re.fullmatch(said, lines[-1])


def test_one_generator_file_needs_no_domain(run, photos, tmp_path):
    model = run / "checkpoints" / "step-00000010" / "generator_ba.safetensors"
    result = gantrans_translate(model, photos / "dot.png", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("1 image translated to summer")


def test_less_precision_writes_nearly_the_same_picture(run, photos, tmp_path):
    pictures = []
    for precision in ("fp32", "bf16"):
        out = tmp_path / precision
        options = ("--to", "winter", "--device", "cpu", "--precision", precision)
        result = gantrans_translate(run, photos / "clear.webp", "--out", out, *options)
        assert result.exit_code == 0, result.output
        with Image.open(out / "clear.webp") as image:
            pictures.append(torch.tensor(list(image.tobytes())))
    assert 0 < (pictures[0] - pictures[1]).abs().float().mean() < 2  # of 255


def test_one_broken_image_fails_the_command_after_the_others_are_done(run, photos, tmp_path):
    broken = photos / "photo.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", "--to", "winter")
    assert isinstance(result.exception, GantransError)
    assert result.exception.exit_code == 1
    assert "1 image could not be translated" in str(result.exception)
    assert str(broken) in str(result.exception)
    assert "5 images translated to winter" in result.stdout
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_nothing_is_replaced_without_overwrite(run, photos, tmp_path):
    arguments = (run, photos / "dot.png", "--to", "winter", "--out", tmp_path / "out")
    assert gantrans_translate(*arguments).exit_code == 0
    before = (tmp_path / "out" / "dot.png").stat().st_mtime_ns
    again = gantrans_translate(*arguments)
    assert isinstance(again.exception, UsageError)
    assert "use --overwrite" in str(again.exception)
    assert (tmp_path / "out" / "dot.png").stat().st_mtime_ns == before
    assert gantrans_translate(*arguments, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ([], UsageError, "to which domain, winter or summer"),
        (["--to", "wintr"], UsageError, "did you mean 'winter'"),
        (["--to", "winter", "--device", "gpu"], UsageError, "no device 'gpu'"),
        (["--to", "winter", "--plugin", "none.py"], PluginError, "there is no file"),
    ],
)
def test_a_wrong_option_is_one_message_and_no_work(run, photos, tmp_path, arguments, error, said):
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", *arguments)
    assert isinstance(result.exception, error)
    assert result.exception.exit_code == 2
    assert said in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_none_fails(photos, tmp_path):
    result = gantrans_translate(photos, photos, "--out", tmp_path / "out")
    assert isinstance(result.exception, CheckpointError)
    assert result.exception.exit_code == 1


def test_an_output_that_two_inputs_want_is_refused_before_any_work(run, photos, tmp_path):
    other = tmp_path / "photos2" / "dot.png"
    other.parent.mkdir()
    other.write_bytes((photos / "dot.png").read_bytes())
    result = gantrans_translate(run, photos, other, "--to", "winter", "--out", tmp_path / "out")
    assert isinstance(result.exception, UsageError)
    assert str(other) in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_the_command_line_ends_with_one_message_and_its_exit_code(run, photos, tmp_path, capsys):
    (photos / "photo.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    for arguments, code, said in [
        (["--to", "winter"], 1, "error: 1 image could not be translated:"),
        (["--to", "winter"], 2, "error: already there: "),
        (["--to", "autumn", "--overwrite"], 2, "does not translate to 'autumn'"),
    ]:
        with pytest.raises(SystemExit) as end:
            main(["translate", str(run), str(photos), "--out", str(out), *arguments])
        printed = capsys.readouterr().err
        assert end.value.code == code
        assert said in printed
        assert "Traceback" not in printed


TO_WINTER = ("--to", "winter", "--device", "cpu")


def test_subfolders_round_trips_and_comparisons_in_another_format(run, photos, tmp_path):
    out = tmp_path / "out"
    options = ("--recursive", "--round-trip", "--compare", "--format", "webp", "--batch-size", 3)
    result = gantrans_translate(run, photos, "--out", out, *TO_WINTER, *options)
    assert result.exit_code == 0, result.output
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    names = ("dot", "gray", "palette", "clear", "deep", "photo", "sub/more")
    kinds = ("", ".cycle", ".compare")
    assert written == {f"{name}{kind}.webp" for name in names for kind in kinds}
    assert result.stdout.splitlines()[-1].startswith("7 images translated to winter")


def test_a_pattern_in_quotes_is_expanded(run, photos, tmp_path):
    out = tmp_path / "out"
    result = gantrans_translate(run, photos / "**" / "*.png", "--out", out, *TO_WINTER)
    assert result.exit_code == 0, result.output
    assert (out / "sub" / "more.png").is_file() and (out / "dot.png").is_file()


def test_resuming_translates_what_is_missing_and_says_what_it_left_out(run, photos, tmp_path):
    out = tmp_path / "out"
    arguments = (run, photos, "--out", out, *TO_WINTER)
    assert gantrans_translate(*arguments).exit_code == 0
    (out / "deep.tiff").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    result = gantrans_translate(*arguments, "--resume")
    assert result.exit_code == 0, result.output
    assert "left out 5 images whose translation is there already" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 image translated to winter")
    after = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert after.keys() == before.keys() | {"deep.tiff"}
    assert all(after[name] == before[name] for name in before)
    nothing = gantrans_translate(*arguments, "--resume")
    assert nothing.exit_code == 0
    assert nothing.stdout.splitlines()[-1] == f"0 images translated to winter, in {out}"


def test_a_quality_makes_smaller_files(run, photos, tmp_path):
    sizes = []
    for quality in (20, 95):
        out = tmp_path / str(quality)
        options = (*TO_WINTER, "--quality", quality)
        result = gantrans_translate(run, photos / "photo.jpg", "--out", out, *options)
        assert result.exit_code == 0, result.output
        sizes.append((out / "photo.jpg").stat().st_size)
    assert sizes[0] < sizes[1]


def test_metadata_is_kept_by_choice(run, photos, tmp_path):
    with Image.open(photos / "photo.jpg") as image:
        exif = image.getexif()
        exif[315] = "someone"
        image.save(photos / "photo.jpg", exif=exif, dpi=(300, 300))
    for choice, artist in (("profile", None), ("all", "someone")):
        out = tmp_path / choice
        options = (*TO_WINTER, "--metadata", choice)
        result = gantrans_translate(run, photos / "photo.jpg", "--out", out, *options)
        assert result.exit_code == 0, result.output
        with Image.open(out / "photo.jpg") as image:
            assert image.getexif().get(315) == artist


def test_the_memory_that_may_be_used_is_told_to_the_translator(run, photos, tmp_path, monkeypatch):
    told = []
    load = translator.load

    def watched(*arguments, **options):
        told.append(options["max_memory"])
        return load(*arguments, **options)

    monkeypatch.setattr(translator, "load", watched)
    for number, options in enumerate([("--max-memory", "64GiB"), ()]):
        out = tmp_path / str(number)
        result = gantrans_translate(run, photos / "dot.png", "--out", out, *TO_WINTER, *options)
        assert result.exit_code == 0, result.output
    assert told == [64 * 2**30, None]
    wrong = gantrans_translate(run, photos, "--out", tmp_path, *TO_WINTER, "--max-memory", "much")
    assert isinstance(wrong.exception, UsageError)
    assert "'much' is no size of memory" in str(wrong.exception)


def test_a_larger_image_than_allowed_is_refused_and_the_others_are_done(run, photos, tmp_path):
    options = (*TO_WINTER, "--max-megapixels", 0.005)
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", *options)
    assert isinstance(result.exception, GantransError)
    assert "deep.tiff" in str(result.exception)
    assert "give a higher --max-megapixels" in str(result.exception)
    assert "5 images translated" in result.stdout


def test_a_folder_of_text_files_is_refused(run, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("words")
    result = gantrans_translate(run, tmp_path / "texts", "--out", tmp_path / "out", *TO_WINTER)
    assert isinstance(result.exception, UsageError)
    assert re.search(r"no image in .*texts \(known: apng avi", str(result.exception))
    assert not (tmp_path / "out").exists()


def test_files_need_a_place_to_be_written_to(run, photos):
    result = gantrans_translate(run, photos, *TO_WINTER)
    assert isinstance(result.exception, UsageError)
    assert "--out DIR" in str(result.exception)


def test_a_round_trip_needs_a_model_of_both_ways(run, photos, tmp_path):
    model = run / "checkpoints" / "step-00000010" / "generator_ba.safetensors"
    result = gantrans_translate(model, photos, "--out", tmp_path / "out", "--round-trip")
    assert isinstance(result.exception, UsageError)
    assert "no way back from summer in this model" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_line_break_in_a_name_makes_no_line_of_its_own(run, photos, tmp_path):
    (photos / "dot.png").rename(tmp_path / "a\nb.png")
    out = tmp_path / "out"
    result = gantrans_translate(run, tmp_path / "a\nb.png", "--out", out, *TO_WINTER)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].endswith(f"-> {out}/a\\nb.png")
    assert (out / "a\nb.png").is_file()


class Piped:
    """Standard input and output of a command, as bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer, self.terminal = io.BytesIO(content), False

    def isatty(self) -> bool:
        return self.terminal

    def flush(self) -> None:
        pass


def piped(monkeypatch, content: bytes, *arguments: object) -> bytes:
    given, written = Piped(content), Piped(b"")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", given)
        patch.setattr(sys, "stdout", written)
        app = typer.Typer()
        app.command()(translate)
        app([str(argument) for argument in arguments], standalone_mode=False)
    return written.buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "options", "format"),
    [
        ("photo.jpg", (), "JPEG"),
        ("palette.png", (), "PNG"),
        ("deep.tiff", (), "TIFF"),
        ("photo.jpg", ("--format", "webp"), "WEBP"),
    ],
)
def test_standard_input_becomes_standard_output_and_nothing_else(
    run, photos, tmp_path, monkeypatch, name, options, format
):
    content = (photos / name).read_bytes()
    written = piped(monkeypatch, content, run, "-", *TO_WINTER, *options)
    with Image.open(io.BytesIO(written)) as image:
        assert image.format == format
        size = image.size
        image.load()
    out = tmp_path / "out"
    assert gantrans_translate(run, photos / name, "--out", out, *TO_WINTER, *options).exit_code == 0
    [file] = out.iterdir()
    with Image.open(file) as image:
        assert image.size == size
    assert file.read_bytes() == written


def test_standard_input_that_is_no_image_is_told_without_a_made_up_name(run, monkeypatch):
    with pytest.raises(GantransError) as caught:
        piped(monkeypatch, b"words", run, "-", *TO_WINTER)
    assert str(caught.value).startswith("cannot read the image standard input: ")
    assert "/tmp" not in str(caught.value)


@pytest.mark.parametrize("more", [("--out", "x"), ("--compare",), ("--round-trip",), ("a.png",)])
def test_standard_input_goes_alone(run, photos, monkeypatch, more):
    content = (photos / "photo.jpg").read_bytes()
    with pytest.raises(UsageError, match="one image from standard input to standard output"):
        piped(monkeypatch, content, run, "-", *TO_WINTER, *more)


def test_an_image_is_not_written_to_a_terminal(run, photos, monkeypatch):
    monkeypatch.setattr(Piped, "isatty", lambda self: True)
    with pytest.raises(UsageError, match="redirect it"):
        piped(monkeypatch, (photos / "photo.jpg").read_bytes(), run, "-", *TO_WINTER)


@pytest.mark.parametrize("closed", ["stdin", "stdout"])
def test_a_closed_stream_is_told(run, monkeypatch, capfd, closed):
    monkeypatch.setattr(sys, "stdin", Piped(b""))
    monkeypatch.setattr(sys, "stdout", Piped(b""))
    monkeypatch.setattr(sys, closed, None)
    with pytest.raises(SystemExit) as end:
        main(["translate", str(run), "-", *TO_WINTER])
    assert end.value.code == 2
    assert "is closed" in capfd.readouterr().err


def test_standard_input_that_cannot_be_read_is_told(run, tmp_path, monkeypatch):
    with (tmp_path / "written").open("w") as unreadable:
        monkeypatch.setattr(sys, "stdin", unreadable)
        monkeypatch.setattr(sys, "stdout", Piped(b""))
        app = typer.Typer()
        app.command()(translate)
        with pytest.raises(GantransError, match="cannot read standard input"):
            app([str(run), "-", *TO_WINTER], standalone_mode=False)


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path):
    """A warning that a library prints to descriptor 2 would stand in it."""
    code = (
        "import os; os.close(1); os.close(2)\n"
        "from gantrans.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "open('opened', 'w').write(str(os.open('opened', os.O_RDONLY)))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
    assert int((tmp_path / "opened").read_text()) > 2


def test_processes_share_the_files_and_the_first_speaks_for_all(
    run, photos, tmp_path, launcher: Launcher
):
    alone, out = tmp_path / "alone", tmp_path / "out"
    assert gantrans_translate(run, photos, "--out", alone, *TO_WINTER).exit_code == 0
    options = ("translate", run, photos, "--out", out, *TO_WINTER)
    first, second = run_ranks(launcher, 2, *options, cwd=tmp_path)
    assert (first.code, second.code) == (0, 0), (first, second)
    assert second.out == second.err == first.err == ""
    assert first.out.count(" -> ") == 3
    assert "6 images translated to winter" in first.out.splitlines()[-1]
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in alone.iterdir()
    }
    again = run_ranks(launcher, 2, *options, "--resume", cwd=tmp_path)
    assert [one.code for one in again] == [0, 0]
    assert "left out 6 images whose translation is there already" in again[0].out


def test_a_broken_file_of_one_process_is_told_once_and_all_others_are_done(
    run, photos, tmp_path, launcher: Launcher
):
    (photos / "deep.tiff").write_bytes(b"broken")  # the second file, so the second process has it
    options = ("translate", run, photos, "--out", tmp_path / "out", *TO_WINTER)
    first, second = run_ranks(launcher, 2, *options, cwd=tmp_path)
    assert (first.code, second.code) == (1, 1), (first, second)
    assert second.out == second.err == ""
    assert first.err.count("error: 1 image could not be translated") == 1
    assert "deep.tiff" in first.err
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_what_all_processes_find_wrong_is_told_once(run, photos, tmp_path, launcher: Launcher):
    options = ("translate", run, tmp_path / "none.png", "--out", tmp_path / "out", *TO_WINTER)
    one_message(run_ranks(launcher, 2, *options, cwd=tmp_path), 2, "there is no file or folder")


def test_a_command_that_is_ended_leaves_whole_files_and_goes_on_where_it_was(
    run, tmp_path, launcher: Launcher
):
    folder, out = tmp_path / "many", tmp_path / "out"
    folder.mkdir()
    for number in range(300):
        Image.new("RGB", (64, 64), (number % 256, 0, 0)).save(folder / f"{number:03}.png")
    arguments = ("translate", run, folder, "--out", out, *TO_WINTER)
    started = launcher.start(*arguments, cwd=tmp_path)
    started.wait_until(lambda: out.is_dir() and len(list(out.glob("*.png"))) > 5)
    started.send(signal.SIGTERM)
    ended = started.wait()
    assert ended.code == 130, ended
    there = list(out.iterdir())
    assert 5 < len(there) < 300
    for path in there:
        assert not path.name.startswith(".")
        with Image.open(path) as image:
            image.load()
    resumed = launcher(*arguments, "--resume", cwd=tmp_path)
    assert resumed.code == 0, resumed
    assert len(list(out.glob("*.png"))) == 300


def test_work_that_stops_names_what_failed_before(run, photos, tmp_path, monkeypatch):
    (photos / "clear.webp").write_bytes(b"broken")
    link = os.link

    def full(file, name):
        if name.name == "palette.png":
            raise OSError(errno.ENOSPC, "No space left on device", str(name))
        link(file, name)

    monkeypatch.setattr(os, "link", full)
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", *TO_WINTER)
    assert isinstance(result.exception, GantransError)
    stopped, head, failed = str(result.exception).splitlines()
    assert "palette.png: No space left on device; stopped at image 5 of 6" in stopped
    assert "make room and go on with --resume" in stopped
    assert head == "1 image before could not be translated:"
    assert "clear.webp" in failed


def test_one_file_of_several_images_is_one(run, tmp_path):
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    result = gantrans_translate(run, tmp_path / "a.tiff", "--out", tmp_path / "out", *TO_WINTER)
    assert "1 file with 3 images translated to winter" in result.stdout


def test_a_video_from_standard_input_is_told_to_be_a_file(run, monkeypatch):
    with pytest.raises(GantransError, match="standard input takes an image, and videos are"):
        piped(monkeypatch, b"\x1a\x45\xdf\xa3" + bytes(100), run, "-", *TO_WINTER)


def test_a_full_disk_behind_standard_output_is_one_message(run, photos, monkeypatch):
    content = (photos / "photo.jpg").read_bytes()
    monkeypatch.setattr(sys, "stdin", Piped(content))
    app = typer.Typer()
    app.command()(translate)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(GantransError, match="to standard output: No space left on device"):
            app([str(run), "-", *TO_WINTER], standalone_mode=False)
        full.flush()  # nothing is left to fail when the process ends


def test_a_reader_that_has_gone_ends_the_command_quietly(run, photos, monkeypatch, capsys):
    content = (photos / "photo.jpg").read_bytes()
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdin", Piped(content))
    with suppress(BrokenPipeError), os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        with pytest.raises(SystemExit) as end:
            main(["translate", str(run), "-", *TO_WINTER])
    assert end.value.code == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("where", ["standard input", "output.jpg"])
def test_a_full_disk_below_tmpdir_is_one_message(run, photos, monkeypatch, where):
    write = Path.write_bytes

    def full(self, content):
        if (self.name == "standard input") == (where == "standard input"):
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(GantransError) as caught:
        piped(monkeypatch, (photos / "photo.jpg").read_bytes(), run, "-", *TO_WINTER)
    assert str(caught.value) == (
        "cannot keep the image in a temporary file: No space left on device; make room, or set "
        "TMPDIR to another folder"
    )
