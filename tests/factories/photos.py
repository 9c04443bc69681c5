"""Pictures made on the spot."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def jpeg_with_place() -> bytes:
    """A small JPEG whose EXIF says where it was taken, as phones write it."""
    picture = Image.new("RGB", (64, 48), (180, 120, 90))
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    exif.get_ifd(0x8825)[1] = "N"
    out = BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()
