"""Videos whose frames are flat or soft, for codecs lose what is fine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from gantrans.errors import DataError, GantransError
from gantrans.inference.files.handling import Handling
from gantrans.inference.files.plan import FileJob, Wanted, plan
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator, load

av = pytest.importorskip("av")

CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".avi": ("mpeg4", "mp2"),
}
RATE = Fraction(24000, 1001)


@pytest.fixture
def same(tmp_path, save, monkeypatch) -> Translator:
    """Whose generators change nothing: what differs comes from reading and writing."""
    for direction in ("ab", "ba"):
        save(tmp_path / f"generator_{direction}.safetensors", direction)
    translator = load(tmp_path, device="cpu")
    for generator in translator.generators.values():
        monkeypatch.setattr(generator, "forward", lambda x: x)
    return translator


def soft(number: int, size: tuple[int, int]) -> Image.Image:
    """A light square that moves over a slope of colours."""
    across = np.linspace(30, 220, size[0])[None, :, None] * np.ones((size[1], 1, 3))
    image = Image.fromarray((across * [1, 0.6, 0.3]).astype(np.uint8))
    ImageDraw.Draw(image).rectangle((4 * number, 8, 4 * number + 15, 23), "gold")
    return image


def film(
    path: Path,
    count: int = 9,
    size: tuple[int, int] = (64, 48),
    *,
    times: list[int] | None = None,
    colours: int | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
) -> list[Image.Image]:
    """Write a video with audio; gives its frames. `times` in parts of RATE."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec, audio = CODECS[path.suffix]
    frames = [soft(number, size) for number in range(count)]
    options = {} if codec == "mpeg4" else {"crf": "1", "b": "0"}
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, RATE, options=options)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        if colours is not None:
            video.codec_context.colorspace = colours
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        sound = container.add_stream(audio, 48000, layout="mono")
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_image(image)
            if colours is not None:
                frame = frame.reformat(format="yuv420p", dst_colorspace=colours)
            frame.pts = number if times is None else times[number]
            frame.time_base = 1 / RATE
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = 0.3 * np.sin(np.arange(48000 * count // 24) * 2 * np.pi * 440 / 48000)
        kind = sound.codec_context.format.name
        whole = av.AudioFrame.from_ndarray(_samples(tone, kind), format=kind, layout="mono")
        whole.sample_rate, whole.pts, whole.time_base = 48000, 0, Fraction(1, 48000)
        for part in _parts(whole, sound):
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return frames


def _samples(tone: np.ndarray, kind: str) -> np.ndarray:
    if kind.startswith("s16"):
        return (tone * 32767).astype(np.int16)[None]
    return tone.astype(np.float32)[None]


def _parts(whole, sound):
    fifo = av.AudioFifo()
    fifo.write(whole)
    while (part := fifo.read(sound.codec_context.frame_size or 960)) is not None:
        yield part


def watched(path: Path) -> tuple[list[Image.Image], list[float]]:
    """Frames and when they are shown, in seconds."""
    with av.open(str(path)) as container:
        shown = [(f.to_image(), float(f.pts * f.time_base)) for f in container.decode(video=0)]
    return [image for image, _ in shown], [time for _, time in shown]


def heard(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [bytes(packet) for packet in packets if packet.size]


def work(translator: Translator, source: Path, out: Path, wanted: Wanted | None = None, **options):
    jobs = plan([source], out, wanted=wanted).jobs
    [outcome] = translate_files(translator, jobs, "winter", Handling(**options))
    return outcome


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).mean())


@pytest.mark.parametrize("suffix", CODECS)
def test_frames_times_and_audio_stay(tmp_path, same, suffix):
    source = tmp_path / "in" / f"a{suffix}"
    film(source)
    outcome = work(same, source, tmp_path / "out", batch_size=4)
    assert (outcome.error, outcome.images) == (None, 9)
    given, before = watched(source)
    found, after = watched(tmp_path / "out" / source.name)
    assert after == pytest.approx(before, abs=1e-3)
    assert heard(tmp_path / "out" / source.name) == heard(source) != []
    assert max(difference(a, b) for a, b in zip(given, found, strict=True)) < 4
    with av.open(str(source)) as a, av.open(str(tmp_path / "out" / source.name)) as b:
        assert a.streams.video[0].average_rate == b.streams.video[0].average_rate


def test_frames_at_odd_moments_stay_there(tmp_path, same):
    film(tmp_path / "in" / "a.mp4", times=[0, 1, 5, 6, 7, 20, 21, 30, 31])
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out").error is None
    _, after = watched(tmp_path / "out" / "a.mp4")
    assert after == pytest.approx([n / RATE for n in (0, 1, 5, 6, 7, 20, 21, 30, 31)], abs=1e-3)


@pytest.mark.parametrize("colours", [1, 5, 6])  # BT.709, BT.470BG, SMPTE 170M
def test_colours_stay_whatever_the_video_calls_them(tmp_path, same, colours):
    film(tmp_path / "in" / "a.mp4", colours=colours)
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out").error is None
    given, _ = watched(tmp_path / "in" / "a.mp4")
    found, _ = watched(tmp_path / "out" / "a.mp4")
    assert difference(given[4], found[4]) < 3
    with av.open(str(tmp_path / "out" / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace == colours


def test_a_video_filmed_on_its_side_is_written_upright(tmp_path, same):
    film(tmp_path / "in" / "a.mp4", rotation=90)
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out").error is None
    given, _ = watched(tmp_path / "in" / "a.mp4")
    found, _ = watched(tmp_path / "out" / "a.mp4")
    upright = given[3].transpose(Image.Transpose.ROTATE_90)
    assert found[3].size == (48, 64)
    assert difference(upright, found[3]) < 4


def test_each_frame_is_what_the_generator_makes_of_it(tmp_path, same, monkeypatch):
    film(tmp_path / "in" / "a.mkv")
    monkeypatch.setattr(same.generators["winter"], "forward", lambda x: -x)
    assert work(same, tmp_path / "in" / "a.mkv", tmp_path / "out", batch_size=2).error is None
    given, _ = watched(tmp_path / "in" / "a.mkv")
    found, _ = watched(tmp_path / "out" / "a.mkv")
    for frame, result in zip(given, found, strict=True):
        assert difference(ImageOps.invert(frame), result) < 4


def test_cycles_and_comparisons_are_videos_too_and_odd_sizes_become_even(tmp_path, same):
    film(tmp_path / "in" / "a.webm", 3, size=(33, 25))
    wanted = Wanted(cycle=True, compare=True)
    assert work(same, tmp_path / "in" / "a.webm", tmp_path / "out", wanted).error is None
    sizes = {name: watched(tmp_path / "out" / name)[0][0].size for name in
             ("a.webm", "a.cycle.webm", "a.compare.webm")}  # fmt: skip
    assert sizes == {
        "a.webm": (34, 26), "a.cycle.webm": (34, 26), "a.compare.webm": (100, 26)
    }  # fmt: skip
    assert heard(tmp_path / "out" / "a.compare.webm") == heard(tmp_path / "in" / "a.webm")


@pytest.mark.parametrize("content", ["no video", "half"])
def test_a_broken_video_is_named_and_leaves_nothing(tmp_path, same, content):
    source = tmp_path / "in" / "a\nb.mp4"
    film(source)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2] if content == "half" else b"no video at all")
    outcome = work(same, source, tmp_path / "out")
    assert isinstance(outcome.error, DataError)
    assert "cannot read the video" in str(outcome.error)
    assert "a\\nb.mp4: Invalid data found" in str(outcome.error)
    assert list(tmp_path.glob("out/*")) == list(tmp_path.glob("out/.*")) == []


REFERRING = {
    "concat": "ffconcat version 1.0\nfile other.avi\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.avi\n#EXT-X-ENDLIST\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("content", REFERRING.values(), ids=REFERRING)
@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_file_that_refers_to_another_is_no_video(tmp_path, same, suffix, content):
    film(tmp_path / "in" / "other.avi", 2)
    (tmp_path / "in" / f"a{suffix}").write_text(content)
    outcome = work(same, tmp_path / "in" / f"a{suffix}", tmp_path / "out")
    assert isinstance(outcome.error, DataError)
    assert f"cannot read the video {tmp_path / 'in'}/a{suffix}" in str(outcome.error)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("name", ["concat:a.avi", "http:a.mp4", "pipe:0.mp4"])
def test_a_name_with_a_colon_is_a_file(tmp_path, same, monkeypatch, name):
    film(tmp_path / "in" / f"a{Path(name).suffix}", 2)
    (tmp_path / "in" / f"a{Path(name).suffix}").rename(tmp_path / "in" / name)
    monkeypatch.chdir(tmp_path / "in")
    assert work(same, Path(name), tmp_path / "out").images == 2


def test_larger_frames_than_are_allowed_are_refused_before_one_is_decoded(
    tmp_path, same, monkeypatch
):
    film(tmp_path / "in" / "a.mp4", 2, (64, 48))
    at_the_limit = 64 * 48 / 1e6
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out", megapixels=at_the_limit).images
    from gantrans.inference.files import video

    monkeypatch.setattr(video, "_decoded", None)
    outcome = work(
        same, tmp_path / "in" / "a.mp4", tmp_path / "less", megapixels=at_the_limit - 1e-6
    )
    assert "frames of 64 x 48 pixels" in str(outcome.error)
    assert "--max-megapixels" in str(outcome.error)
    assert not list(tmp_path.glob("less/*"))


def test_frames_that_become_larger_on_the_way_are_refused(tmp_path, same):
    source = tmp_path / "in" / "a.avi"
    source.parent.mkdir()
    with av.open(str(source), "w") as container:
        video = container.add_stream("mpeg4", RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        larger = av.CodecContext.create("mpeg4", "w")
        larger.width, larger.height, larger.pix_fmt = 640, 480, "yuv420p"
        larger.time_base = 1 / RATE
        for number, codec in enumerate((video.codec_context, larger)):
            frame = av.VideoFrame.from_image(soft(number, (codec.width, codec.height)))
            for packet in [*codec.encode(frame), *codec.encode(None)]:
                packet.stream, packet.pts, packet.dts = video, number, number
                container.mux(packet)
    assert work(same, source, tmp_path / "out", megapixels=1).images == 2
    outcome = work(same, source, tmp_path / "less", megapixels=0.01)
    assert isinstance(outcome.error, DataError)
    assert not list(tmp_path.glob("less/*"))


def test_a_video_that_was_cut_off_in_its_pictures_is_no_shorter_video(tmp_path, same):
    source = tmp_path / "in" / "a.avi"
    film(source, 30)
    with av.open(str(source)) as container:
        packet = [p for p in container.demux(container.streams.video[0]) if p.size][12]
        middle = packet.pos + packet.size // 2
    source.write_bytes(source.read_bytes()[:middle])
    outcome = work(same, source, tmp_path / "out")
    assert "a.avi: it is damaged, or was cut off; repair the file" in str(outcome.error)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_generator_that_fails_leaves_no_half_video(tmp_path, same, monkeypatch):
    film(tmp_path / "in" / "a.mp4")
    calls = []

    def fails_later(x):
        calls.append(1)
        return x * float("nan") if len(calls) > 4 else x

    monkeypatch.setattr(same.generators["winter"], "forward", fails_later)
    outcome = work(same, tmp_path / "in" / "a.mp4", tmp_path / "out")
    assert "a.mp4: the generator that writes winter gave NaN" in str(outcome.error)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_stops_the_work_and_leaves_no_half_video(tmp_path, same):
    film(tmp_path / "in" / "a.mp4", 30)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(GantransError, match=r"cannot write .*a\.mp4: No space left.*make room"):
            work(same, tmp_path / "in" / "a.mp4", disk / "out")
        assert list((disk / "out").iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_without_pyav_a_message_says_how_to_get_it_and_images_are_translated(
    tmp_path, same, monkeypatch
):
    film(tmp_path / "in" / "a.mp4")
    soft(0, (16, 12)).save(tmp_path / "in" / "b.png")
    monkeypatch.setitem(sys.modules, "av", None)
    jobs = plan([tmp_path / "in"], tmp_path / "out").jobs
    first, second = translate_files(same, jobs, "winter")
    assert "a.mp4: videos need PyAV" in str(first.error)
    assert 'pip install "gantrans[video]"' in str(first.error)
    assert second.error is None


def test_few_frames_are_in_memory_at_a_time(tmp_path, same, monkeypatch):
    film(tmp_path / "in" / "a.mp4", 40)
    alive, most = [0], [0]
    from gantrans.inference.files import video

    plain = video.picture

    class Counted:
        def __init__(self) -> None:
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self) -> None:
            alive[0] -= 1

    def counted(image, channels):
        made = plain(image, channels)
        object.__setattr__(made, "counted", Counted())
        return made

    monkeypatch.setattr(video, "picture", counted)
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out", batch_size=2).images == 40
    assert most[0] <= 12


def test_audio_that_cannot_be_copied_is_told(tmp_path, same, monkeypatch):
    film(tmp_path / "in" / "a.mkv")
    job = FileJob(tmp_path / "in" / "a.mkv", tmp_path / "out" / "a.webm")
    [outcome] = translate_files(same, [job], "winter")  # WebM has no AAC
    assert "a.mkv: its audio cannot be copied: 'webm' format does not support" in str(outcome.error)
    assert list((tmp_path / "out").iterdir()) == []


def test_videos_and_files_of_other_kinds_do_not_go_together(tmp_path, same, monkeypatch):
    from gantrans.inference.files import stills

    film(tmp_path / "a.mp4")
    monkeypatch.setattr(stills.Stills, "ordinary", False)
    job = FileJob(tmp_path / "a.mp4", tmp_path / "out" / "a.mp4")
    [outcome] = translate_files(same, [job], "winter")
    assert "a.mp4: it is a video, and the files of this model's domains are none" in str(
        outcome.error
    )


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".avi"])
def test_a_video_that_was_cut_off_is_told_and_not_taken_for_a_shorter_one(tmp_path, same, suffix):
    source = tmp_path / "in" / f"a{suffix}"
    film(source, 60)
    content = source.read_bytes()
    assert work(same, source, tmp_path / "out").images == 60
    (tmp_path / "out" / source.name).unlink()
    source.write_bytes(content[: len(content) // 2])
    outcome = work(same, source, tmp_path / "out")
    assert re.search(
        rf"a\{suffix}: it was cut off after 1\.\d of 2\.5 s; repair", str(outcome.error)
    )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("suffix", sorted(CODECS.keys() - {".webm"}))
def test_pixels_that_are_not_square_stay_so(tmp_path, same, suffix):
    source = tmp_path / "in" / f"a{suffix}"
    film(source, aspect=Fraction(4, 3))
    assert work(same, source, tmp_path / "out").error is None
    with av.open(str(tmp_path / "out" / source.name)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_wide_pixels_of_a_video_on_its_side_are_high_ones_upright(tmp_path, same):
    film(tmp_path / "in" / "a.mp4", aspect=Fraction(4, 3), rotation=90)
    assert work(same, tmp_path / "in" / "a.mp4", tmp_path / "out").error is None
    with av.open(str(tmp_path / "out" / "a.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(3, 4)
