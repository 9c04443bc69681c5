"""Photos: what we keep of one, where it lies, and who may see it for how long.

Called by messaging (a buyer's photo arrives), the media door (shows it), helpdesk and assistant
(read it), privacy (erases it). Decides what counts as a photo: only what decodes as one, whatever
the sender declares, and of it only the picture. EXIF holds the buyer's home in coordinates, so
metadata never reaches the store. Sizes follow what Twilio takes as an outgoing picture (JPEG,
PNG, GIF up to 5 MB), so that any stored photo can also be sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from itsdangerous import BadData, URLSafeSerializer

from app.foundation.errors import Refused

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 5 * 1024 * 1024  # of what we store
MAX_PIXELS = 50_000_000  # of one picture as it arrives; about 200 MB once decoded
MAX_ANIMATION_PIXELS = 60_000_000  # over all frames; longer animations become their first frame
MAX_SIDE = 4096
JPEG_QUALITIES = (88, 75, 60)

_KEY = re.compile(r"[0-9]{1,19}/[0-9a-f]{2}/[0-9a-f]{64}")


# --- Cleaning


class Unreadable(Refused):
    """Not a photo that we can show. Reasons: empty, not_a_photo, too_many_pixels, broken."""


@dataclass(frozen=True)
class CleanPhoto:
    """A photo without metadata, upright, as JPEG, PNG or GIF; sizes in pixels."""

    content: bytes = field(repr=False)
    content_type: str
    width: int
    height: int


def clean_photo(content: bytes, declared_type: str) -> CleanPhoto:
    """Decode, turn upright, strip, shrink and encode anew. Raises Unreadable.

    HEIC and WebP become JPEG (PNG where they are see-through), animated GIFs stay animated.
    `declared_type` decides nothing; it only makes the refusal readable.
    """
    # Imported here: the web processes load this module for its tokens and never decode.
    import pi_heif
    from PIL import Image

    if not content:
        raise Unreadable("empty", "the file is empty")
    pi_heif.register_heif_opener(thumbnails=False)
    # Decoders meet hostile bytes here and raise whatever they like (struct.error, IndexError,
    # MemoryError, their own); all of it means the same to the buyer.
    try:
        picture = Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF", "WEBP", "HEIF"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable("too_many_pixels", "the photo has too many pixels") from error
    except Exception as error:
        kind = declared_type.partition(";")[0] or "file"
        raise Unreadable("not_a_photo", f"this {kind} is not a photo we can read") from error
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise Unreadable("too_many_pixels", "the photo has too many pixels")
        try:
            return _encoded(picture)
        except Exception as error:
            raise Unreadable("broken", "the photo is damaged") from error


def _encoded(picture: Image.Image) -> CleanPhoto:
    if picture.format == "GIF" and _is_short_animation(picture):
        animation = _animated_gif(picture)
        if len(animation.content) <= MAX_BYTES:
            return animation
        picture.seek(0)
    # A JPEG far above the limit is decoded at a fraction of its size, which saves most of it.
    picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
    still, profile = _upright(picture)
    still.thumbnail((MAX_SIDE, MAX_SIDE))
    if still.mode == "RGBA" or picture.format in ("PNG", "GIF"):
        photo = _saved(still, "PNG", icc_profile=profile)
        if len(photo.content) <= MAX_BYTES:
            return photo
    opaque = _on_white(still)
    for quality in JPEG_QUALITIES:
        photo = _saved(opaque, "JPEG", quality=quality, icc_profile=profile)
        if len(photo.content) <= MAX_BYTES:
            return photo
    opaque.thumbnail((MAX_SIDE // 2, MAX_SIDE // 2))
    return _saved(opaque, "JPEG", quality=JPEG_QUALITIES[-1], icc_profile=profile)


def _upright(picture: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The bare pixels as L, RGB or RGBA, and the colour profile that still fits them."""
    from PIL import ImageOps

    picture.load()
    # Unreadable EXIF is no reason to lose a good picture; it may just lie on its side.
    turned = picture
    with contextlib.suppress(Exception):
        turned = ImageOps.exif_transpose(picture)
    # Without its profile a wide-gamut photo changes colour; one for ink or grey fits RGB no more.
    profile = turned.info.get("icc_profile") if turned.mode in ("RGB", "RGBA", "P") else None
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        bare = turned.convert("RGBA")
    else:
        if turned.mode == "I;16":  # 16-bit grey, which convert() would clip to white
            turned = turned.point(lambda value: value / 256, "L")
        bare = turned.convert("L" if turned.mode in ("1", "L") else "RGB")
    if bare is picture:
        bare = bare.copy()
    bare.info.clear()  # comments, XMP, EXIF: encoders would copy some of it
    return bare, profile


def _is_short_animation(picture: Image.Image) -> bool:
    frames = int(getattr(picture, "n_frames", 1))
    return frames > 1 and frames * picture.width * picture.height <= MAX_ANIMATION_PIXELS


def _animated_gif(picture: Image.Image) -> CleanPhoto:
    from PIL import ImageSequence

    frames, durations = [], []
    for frame in ImageSequence.Iterator(picture):
        durations.append(int(frame.info.get("duration", 100)))
        still = frame.convert("RGBA")
        still.info.clear()
        frames.append(still)
    out = BytesIO()
    frames[0].save(
        out,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        disposal=2,
    )
    return CleanPhoto(out.getvalue(), "image/gif", picture.width, picture.height)


def _on_white(still: Image.Image) -> Image.Image:
    from PIL import Image

    if still.mode != "RGBA":
        return still
    opaque = Image.new("RGB", still.size, "white")
    opaque.paste(still, mask=still)
    return opaque


def _saved(still: Image.Image, kind: str, **options: Any) -> CleanPhoto:
    out = BytesIO()
    still.save(out, format=kind, **options)
    return CleanPhoto(out.getvalue(), f"image/{kind.lower()}", still.width, still.height)


# --- Keeping


class MediaGone(Refused):
    """No photo lies under this key (any more)."""


class MediaStore(Protocol):
    """Where photos lie. Keys hold the shop, so that equal photos of two shops never share one."""

    def put(self, shop_id: int, content: bytes) -> str:
        """Keep `content` and return its key; the same content of a shop has the same key."""
        ...

    def get(self, key: str) -> bytes:
        """The content. Raises MediaGone."""
        ...

    def delete(self, key: str) -> None:
        """Forget it; one that is gone already is fine. The caller knows that no other row of
        the shop still refers to the key."""
        ...


def key_of(shop_id: int, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"{shop_id}/{digest[:2]}/{digest}"


def check_key(key: str) -> str:
    """The key, if it can be one of ours. Raises MediaGone."""
    if not _KEY.fullmatch(key):
        raise MediaGone("media_gone", "not a key of a photo")
    return key


class DiskMediaStore:
    """Photos as files under one folder: for a single machine, or a shared mount."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, shop_id: int, content: bytes) -> str:
        key = key_of(shop_id, content)
        path = self._path(key)
        if path.exists():
            return key
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a reader or a crash never meets half a photo.
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(unfinished)
            raise
        return key

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise MediaGone("media_gone", "this photo is no longer kept") from error

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)


# --- Showing


class BadMediaToken(Refused):
    """The address was not signed by us, or its time is over. Reasons: forged, expired."""


@dataclass(frozen=True)
class MediaGrant:
    """What a signed address shows."""

    media_id: int
    shop_id: int


def sign_media_token(
    secrets: Sequence[str], media_id: int, shop_id: int, expires_at: datetime
) -> str:
    """The last part of `/media/<token>`. The first of `secrets` signs, all of them are read."""
    moment = int(expires_at.astimezone(UTC).timestamp())
    return str(_signer(secrets).dumps([media_id, shop_id, moment]))


def read_media_token(secrets: Sequence[str], token: str, now: datetime) -> MediaGrant:
    """What the token shows at `now`. Raises BadMediaToken."""
    try:
        media_id, shop_id, expires_at = _signer(secrets).loads(token)
    except (BadData, ValueError) as error:
        raise BadMediaToken("forged", "this address is not valid") from error
    if now.timestamp() >= expires_at:
        raise BadMediaToken("expired", "this address is no longer valid")
    return MediaGrant(media_id=media_id, shop_id=shop_id)


def _signer(secrets: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(
        list(reversed(secrets)),  # itsdangerous signs with its last
        salt="doorstep.media",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
