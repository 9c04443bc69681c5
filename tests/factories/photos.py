"""Pictures made on the spot."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from app.messaging.models import Sender
from app.messaging.ports import MediaFile, SenderAccess
from tests.factories.world import ACCOUNT, BUYER, World


def jpeg_with_place() -> bytes:
    """A small JPEG whose EXIF says where it was taken, as phones write it."""
    picture = Image.new("RGB", (64, 48), (180, 120, 90))
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    exif.get_ifd(0x8825)[1] = "N"
    out = BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


def photo_of(world: World, content: bytes) -> str:
    """Where the provider has a picture that the buyer texts."""
    sender: Sender = world.all(Sender)[0]
    access = SenderAccess(sender.id, ACCOUNT, "", phone=sender.phone)
    text = world.sms.receive(
        access, from_phone=BUYER, body="", photos=[MediaFile(content, "image/jpeg")]
    )
    return text.media[0].url
