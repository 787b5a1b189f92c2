"""Videos, frame by frame, through PyAV (the extra `video`). Few frames at a time are in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from gantrans.errors import DataError
from gantrans.inference.files.ending import Ending
from gantrans.inference.files.moving import ahead, translated
from gantrans.inference.files.picture import MEGAPIXEL, Picture, picture
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.recording import recording
from gantrans.inference.files.shown import shown
from gantrans.inference.files.stills import Stills, shown_beside
from gantrans.inference.files.together import Together
from gantrans.inference.files.whole import appearing_together

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer

DEMUXERS = ("avi", "matroska", "mov", "mp4", "webm")
"""FFmpeg's names of the formats that are read, whatever a file is called. Some others are lists of
files to read (concat, HLS), or connect to a server (SDP)."""


def translate_video(
    job: FileJob,
    stills: Stills,
    together: Together,
    *,
    batch_size: int = 1,
    megapixels: float = 100,
    watch: Callable[[int], None] = lambda images: None,
) -> int:
    """Translate a video; how many frames it has.

    Frames keep their times, audio is copied as it is. Another thread decodes ahead, and the codec
    has threads of its own. A video with larger frames than `megapixels` is refused.

    Raises:
        DataError: if PyAV is missing, or the file cannot be read.
        NonFiniteError: if the generator gives no numbers.
        OSError: if an output cannot be written.
    """
    try:
        import av
    except ImportError:
        raise DataError(
            'videos need PyAV, which is not installed: pip install "gantrans[video]"'
        ) from None
    if not stills.ordinary:
        raise DataError("it is a video, and the files of this model's domains are none")
    try:
        return _translate(job, stills, together, batch_size, megapixels, watch)
    except av.FFmpegError as error:  # of writing, for reading has its own
        if isinstance(error, OSError):
            raise
        reason = error.strerror or error
        raise DataError(f"it cannot be written as {job.target.suffix[1:]}: {reason}") from error


def _translate(
    job: FileJob,
    stills: Stills,
    together: Together,
    batch_size: int,
    megapixels: float,
    watch: Callable[[int], None],
) -> int:
    count = 0
    with ExitStack() as stack:
        given = stack.enter_context(_opened(job.source, megapixels))
        texts = dict(given.metadata) if stills.metadata == "all" else {}
        besides = stack.enter_context(appearing_together(job.outputs, replaceable=job.replaceable))
        recordings = [stack.enter_context(recording(path, given, texts)) for path in besides]
        # Closed before the file that its thread reads from, whatever happens in between.
        coming = stack.enter_context(
            closing(ahead(_decoded(job.source, given, stills.channels), 2 + 2 * batch_size))
        )
        times: deque[tuple[int | None, Fraction | None]] = deque()

        def frames() -> Iterator[Picture]:
            for item in coming:
                if isinstance(item, tuple):
                    times.append(item[1:])
                    yield item[0]
                else:
                    for one in recordings:
                        one.add_audio(item)

        for frame, drawn in translated(frames(), stills, together, batch_size, watch):
            images = [drawn.output]
            if job.cycle and drawn.cycle is not None:
                images.append(drawn.cycle)
            if job.compare:
                images.append(shown_beside(frame, drawn))
            time, aspect = times.popleft()
            for one, image in zip(recordings, images, strict=True):
                assert isinstance(image, Image.Image)
                one.add(image, count if time is None else time, aspect)
            count += 1
        if not count:
            raise DataError(f"cannot read the video {shown(job.source)}: it has no frames")
    return count


def _opened(path: Path, megapixels: float) -> InputContainer:
    """Open a video, which reads no other file. No frame is decoded beyond the limit."""
    import av

    allowed = {"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": "file"}
    try:
        given = av.open(f"file:{path}", options=allowed)
    except av.ArgumentError as error:
        reason = ValueError(f"its content is none of {', '.join(DEMUXERS)}")
        raise _unreadable(path, reason) from error
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error
    try:
        _refuse_large(path, given, megapixels)
    except BaseException:
        given.close()
        raise
    return given


def _refuse_large(path: Path, given: InputContainer, megapixels: float) -> None:
    if not given.streams.video:
        raise DataError(f"cannot read the video {shown(path)}: it has no pictures")
    codec = given.streams.video[0].codec_context
    if codec.width * codec.height > megapixels * MEGAPIXEL:
        raise DataError(
            f"cannot read the video {shown(path)}: its frames of {codec.width} x {codec.height} "
            f"pixels have more than {megapixels:g} megapixels; if you trust the file, give a "
            "higher --max-megapixels"
        )
    # Frames may be larger than the file says. Twice the limit, because codecs round sides up.
    codec.options = {"max_pixels": str(min(int(2 * megapixels * MEGAPIXEL), 2**31 - 1))}
    codec.thread_type = "AUTO"


def _decoded(
    path: Path, given: InputContainer, channels: int
) -> Iterator[tuple[Picture, int | None, Fraction | None] | Packet[AudioStream]]:
    """Frames, each with its time and the shape of its pixels; packets of audio; as they come."""
    import av

    video = given.streams.video[0]
    ending = Ending(given)
    try:
        for packet in given.demux(video, *given.streams.audio):
            if packet.is_corrupt:
                raise _unreadable(path, ValueError("it is damaged, or was cut off"))
            ending.add(packet)
            if packet.stream is not video:
                if packet.dts is not None:  # the last one of a stream is empty
                    yield packet  # type: ignore[misc]  # there are only two kinds
                continue
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                yield picture(_upright(frame), channels), frame.pts, _aspect(video, frame)
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error
    if ending.is_missing:
        there, whole = float(ending.reached), float(ending.length or 0)
        raise _unreadable(path, ValueError(f"it was cut off after {there:.1f} of {whole:.1f} s"))


def _aspect(video: VideoStream, frame: VideoFrame) -> Fraction | None:
    """How wide a pixel of the upright frame is to be seen, in parts of its height."""
    aspect = video.sample_aspect_ratio
    return 1 / aspect if aspect and frame.rotation % 180 else aspect


def _upright(frame: VideoFrame) -> Image.Image:
    """As it is to be seen: phones film on their side, and say so."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or error
    closed = isinstance(error, FileNotFoundError | PermissionError)
    what = "see to it that the file can be read" if closed else "repair the file"
    return DataError(f"cannot read the video {shown(path)}: {reason}; {what}, or leave it out")
