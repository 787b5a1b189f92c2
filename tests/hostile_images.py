"""Image files that somebody has made to do harm; none has more than a few kilobytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image


def image_file(
    format: str, mode: str = "L", size: tuple[int, int] = (16, 12), **kept: Any
) -> bytes:
    """An ordinary file, all black."""
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, format, **kept)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Of PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, data: bytes = b"no deflate stream") -> bytes:
    """A PNG file that says it is so large."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def tiff(entries: Sequence[tuple[int, int, int, int]], next_page: int = 0) -> bytes:
    """A TIFF file of one page; each entry is (tag, type, count, value)."""
    return (
        struct.pack("<2sHIH", b"II", 42, 8, len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        + struct.pack("<I", next_page)
    )


def gray_tiff(*more: tuple[int, int, int, int], width: int = 8, next_page: int = 0) -> bytes:
    """A TIFF file of 8 rows without their pixels, with more entries."""
    entries = {256: (4, 1, width), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    entries |= {273: (4, 1, 8), 278: (4, 1, 8), 279: (4, 1, 64)}
    entries |= {tag: rest for tag, *rest in more}  # type: ignore[misc]
    return tiff([(tag, *rest) for tag, rest in sorted(entries.items())], next_page)


def many_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more; each goes over all pixels."""
    content = image_file("JPEG", size=(side, side), progressive=True)
    last = content[content.rindex(b"\xff\xda") : content.rindex(b"\xff\xd9")]
    return content[: -len(b"\xff\xd9")] + last * scans + b"\xff\xd9"


BOMB = zlib.compress(bytes(50_000_000), 9)
"""50 MB of zeros, in 49 kB."""

HOSTILE: dict[str, tuple[bytes, int]] = {
    "text": (b"hello", 415),
    "zeros": (bytes(5000), 415),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "pdf": (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF", 415),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", 415),
    "ppm": (image_file("PPM"), 415),
    "ico": (image_file("ICO", "RGB"), 415),
    "png, its signature alone": (png(8, 8)[:8], 415),
    "png cut off": (image_file("PNG", size=(500, 500))[:100], 400),
    "png of noughts": (png(8, 8), 400),
    "png without width": (png(0, 8), 415),
    "png of a gigapixel": (png(2**15, 2**15), 413),
    "png of all pixels there can be": (png(2**31 - 1, 2**31 - 1), 413),
    "png with a text of 50 MB": (png(8, 8, chunk(b"zTXt", b"a\0\0" + BOMB)), 400),
    "png with a profile of 50 MB": (png(8, 8, chunk(b"iCCP", b"a\0\0" + BOMB)), 400),
    "png with 50 MB for 64 pixels": (png(8, 8, data=BOMB), 200),
    "png animated": (
        image_file("PNG", save_all=True, append_images=[Image.new("L", (16, 12), 9)]),
        415,
    ),
    "jpeg cut off": (image_file("JPEG", size=(500, 500))[:700], 400),
    "jpeg, its head alone": (image_file("JPEG")[:100], 400),
    "jpeg with a camera's lies": (image_file("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), 200),
    "jpeg with a profile of noughts": (image_file("JPEG", "CMYK", icc_profile=bytes(128)), 200),
    "gif cut off": (image_file("GIF")[:20], 415),
    "gif without size": (b"GIF89a" + bytes(7) + b";", 415),
    "tiff without pixels": (gray_tiff((273, 4, 1, 5000)), 400),
    "tiff that leads to itself": (gray_tiff(next_page=8), 200),
    "tiff of a gigapixel": (gray_tiff(width=2**31 - 1), 413),
    "tiff of a tile of 16 megapixels": (
        gray_tiff(
            (259, 3, 1, 8), (322, 4, 1, 2**12), (323, 4, 1, 2**12), (324, 4, 1, 8), (325, 4, 1, 9)
        ),
        400,
    ),
    "tiff with a tag of 4 GB": (gray_tiff((270, 2, 2**32 - 1, 8)), 200),
    "tiff of floating point": (image_file("TIFF", "F"), 400),
    "webp cut off": (image_file("WEBP", "RGB", size=(500, 500))[:60], 400),
    "bmp of a gigapixel": (
        b"BM" + struct.pack("<IIIIiiHH", 0, 0, 54, 40, 2**15, 2**15, 1, 24) + bytes(24),
        413,
    ),
    "one pixel": (image_file("PNG", size=(1, 1)), 200),
    "one row": (image_file("PNG", size=(5000, 1)), 200),
}
"""By what they are: the bytes, and the status that the server has for them."""
