"""A video that is written, with the times, the colours and the audio of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PIL import Image

from gantrans.errors import DataError

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import InputContainer, OutputContainer

CODECS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("libx264", {"crf": "18"}),
    ".mov": ("libx264", {"crf": "18"}),
    ".mkv": ("libx264", {"crf": "18"}),
    ".webm": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4"}),
    ".avi": ("mpeg4", {"qmin": "2", "qmax": "4"}),
}
"""How the pictures of a video are written, by its suffix: with hardly a visible loss."""


@contextmanager
def recording(path: Path, given: InputContainer, texts: Mapping[str, str]) -> Iterator[Recording]:
    """A video to write to, which is whole at the end.

    Args:
        path: of the file; its suffix says the format.
        given: the video whose times, colours and audio it gets; of the same format.
        texts: such as its title.

    Raises:
        OSError: if it cannot be written.
        av.FFmpegError: if the format cannot hold it.
    """
    import av

    with av.open(str(path), "w") as container:
        container.metadata.update(texts)
        one = Recording(container, given, *CODECS[path.suffix.lower()])
        yield one
        one.finish()


class Recording:
    """Takes frames and packets of audio.

    Args:
        container: to write to.
        given: the video whose times, colours and audio it gets.
        codec: of the pictures.
        options: of the codec.

    Raises:
        DataError: if the container cannot hold such audio.
    """

    def __init__(
        self,
        container: OutputContainer,
        given: InputContainer,
        codec: str,
        options: dict[str, str],
    ) -> None:
        self._container = container
        self._given: VideoStream = given.streams.video[0]
        rate = self._given.average_rate or self._given.guessed_rate or Fraction(25)
        self._times = self._given.time_base or 1 / rate
        self._video = cast("VideoStream", container.add_stream(codec, rate, options=options))
        context, source = self._video.codec_context, self._given.codec_context
        context.pix_fmt = "yuv420p"
        # MPEG-4 counts time in parts of up to 65535 a second.
        context.time_base = self._times if codec != "mpeg4" else 1 / rate
        for name in ("colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(source, name))
        try:
            self._audio = {
                stream.index: container.add_stream_from_template(stream)
                for stream in given.streams.audio
            }
        except ValueError as error:
            raise DataError(f"its audio cannot be copied: {error}") from error
        self._waiting: list[Packet[AudioStream]] = []
        self._began = False

    def add(self, image: Image.Image, time: int, aspect: Fraction | None = None) -> None:
        """The next frame, at a time in units of the given video's.

        How wide its pixels are to be seen, in parts of their height, the first frame says for all.

        Pictures of this kind have an even number of columns and rows: the last ones are doubled.
        """
        import av

        frame = av.VideoFrame.from_image(_even(image.convert("RGB")))  # type: ignore[no-untyped-call]
        frame = frame.reformat(
            format="yuv420p", dst_colorspace=self._given.codec_context.colorspace
        )
        frame.pts, frame.time_base = time, self._times
        if not self._began:
            self._video.width, self._video.height = frame.width, frame.height
            if aspect:  # WebM has it in no place that PyAV can write
                self._video.codec_context.sample_aspect_ratio = aspect
            self._began = True
        self._container.mux(self._video.encode(frame))
        for packet in self._waiting:
            self._mux_audio(packet)
        self._waiting = []

    def add_audio(self, packet: Packet[AudioStream]) -> None:
        """The next packet of audio, as it is."""
        if self._began:
            self._mux_audio(packet)
        else:  # the size of the pictures, which stands first in the file, is not known yet
            self._waiting.append(packet)

    def finish(self) -> None:
        """Write what the codec still holds back."""
        if self._began:
            self._container.mux(self._video.encode(None))

    def _mux_audio(self, packet: Packet[AudioStream]) -> None:
        given = packet.stream
        packet.stream = self._audio[given.index]
        self._container.mux(packet)
        packet.stream = given  # another recording may get it too


def _even(image: Image.Image) -> Image.Image:
    width, height = image.width + image.width % 2, image.height + image.height % 2
    if (width, height) == image.size:
        return image
    whole = Image.new("RGB", (width, height))
    whole.paste(image.crop((image.width - 1, 0, image.width, image.height)), (width - 1, 0))
    whole.paste(image, (0, 0))
    whole.paste(whole.crop((0, image.height - 1, width, image.height)), (0, height - 1))
    return whole
