"""What the endpoints answer: the schema of their JSON."""

from __future__ import annotations

from base64 import b64encode
from importlib.metadata import version as version_of

from pydantic import BaseModel, Field

from gantrans.serving.limits import Limits
from gantrans.serving.models import Served
from gantrans.serving.translation import ImageFile, Translation


class Direction(BaseModel):
    """A translation that a model can do."""

    source: str = Field(description="Domain of the images that are given.")
    target: str = Field(description="Domain that they are translated to: the value of `to`.")
    in_channels: int = Field(description="Of images in the network: 3 colour, 1 gray.")
    out_channels: int = Field(description="Of translations.")
    generator: str = Field(description="Type of the network.")
    round_trip: bool = Field(description="Whether the model can translate back again.")


class Model(BaseModel):
    """A model that is served."""

    name: str = Field(description="The value of `model`.")
    domains: list[str] = Field(description="What it knows.")
    directions: list[Direction]
    step: int = Field(description="Training steps that it has had.")
    trained_at: int | None = Field(
        description="Side in pixels of the squares that training saw. Images of any size are "
        "translated; things look best at about that scale."
    )

    @classmethod
    def of(cls, served: Served) -> Model:
        """As the headers of its generators say."""
        translator = served.translator
        headers = [translator.header(target) for target in translator.targets]
        crop = headers[0].preprocessing.get("crop")
        directions = [
            Direction(
                source=header.name_of(header.source),
                target=header.name_of(header.target),
                in_channels=header.in_channels,
                out_channels=header.out_channels or header.in_channels,
                generator=str(header.component["type"]),
                round_trip=len(headers) > 1,
            )
            for header in headers
        ]
        return cls(
            name=served.name,
            domains=list(headers[0].domains.values()),
            directions=directions,
            step=headers[0].step,
            trained_at=crop if isinstance(crop, int) else None,
        )


class Allowed(BaseModel):
    """What the server takes."""

    upload_bytes: int = Field(description="Of an image file.")
    pixels: int = Field(description="Of an image.")
    seconds: float = Field(
        description="For an upload, the wait, a translation, and reading it, each."
    )
    queue: int = Field(description="Requests that may wait while one is translated.")

    @classmethod
    def of(cls, limits: Limits) -> Allowed:
        """As the command line said."""
        return cls(
            upload_bytes=limits.upload,
            pixels=limits.pixels,
            seconds=limits.seconds,
            queue=limits.queue,
        )


class Models(BaseModel):
    """What there is."""

    models: list[Model]
    limits: Allowed


class Image(BaseModel):
    """An image file."""

    name: str = Field(description="Such as photo.winter.jpg.")
    media_type: str = Field(description="Such as image/jpeg: that of the image that was sent.")
    width: int
    height: int
    data: str = Field(description="The file, in base64.")

    @classmethod
    def of(cls, file: ImageFile) -> Image:
        """With its bytes."""
        width, height = file.size
        return cls(
            name=file.name,
            media_type=file.media_type,
            width=width,
            height=height,
            data=b64encode(file.content).decode(),
        )


class Translated(BaseModel):
    """A translation."""

    model: str
    to: str = Field(description="Domain that the image was translated to.")
    output: Image = Field(description="As large as the image that was sent.")
    round_trip: Image | None = Field(description="Translated back again, if that was asked for.")
    previews: dict[str, str] = Field(
        description="If the format is one that browsers do not show (TIFF), `input`, `output` and "
        "`cycle` as PNG, in base64; else empty."
    )

    @classmethod
    def of(cls, model: str, translation: Translation) -> Translated:
        """With the files of a translation."""
        return cls(
            model=model,
            to=translation.to,
            output=Image.of(translation.output),
            round_trip=translation.cycle and Image.of(translation.cycle),
            previews={k: b64encode(png).decode() for k, png in translation.previews.items()},
        )


class Event(BaseModel):
    """A line of the stream: how far it is, and at last the result or an error."""

    ahead: int | None = Field(None, description="Requests before this one.")
    share: float | None = Field(None, description="Of the translation that is done, 0 to 1.")
    result: Translated | None = None
    error: str | None = None
    status: int | None = Field(None, description="That the error would have had.")


class Failure(BaseModel):
    """Why there is no translation."""

    error: str = Field(description="One message: what, and what to do.")


class Health(BaseModel):
    """That the server answers, and how busy it is."""

    status: str = Field(description="Always `ok`.")
    version: str = Field(version_of("gantrans"), description="Of gantrans.")
    waiting: int = Field(description="Requests that wait or are translated.")
