"""Photos: what is kept of one, the folder they lie in, and the addresses that show them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageSequence, PngImagePlugin

from app.foundation.media import (
    MAX_BYTES,
    MAX_SIDE,
    BadMediaToken,
    DiskMediaStore,
    MediaGone,
    MediaGrant,
    Unreadable,
    clean_photo,
    read_media_token,
    sign_media_token,
)

HEIC = Path(__file__).parents[1] / "fixtures" / "photos" / "photo.heic"
RED, BLUE = (200, 30, 30), (30, 30, 200)
SECRET_PLACE = b"home-of-the-buyer"


def picture(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red at the left, blue at the right."""
    drawn = Image.new("RGB", size, BLUE)
    drawn.paste(RED, (0, 0, size[0] // 2, size[1]))
    return drawn.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = SECRET_PLACE.decode()
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (42.0, 21.0, 30.0)
    return tags


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def is_like(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(pixel, colour, strict=False))


# --- Cleaning


@pytest.mark.parametrize(
    ("kind", "stored"), [("JPEG", "jpeg"), ("PNG", "png"), ("GIF", "png"), ("WEBP", "jpeg")]
)
def test_picture_is_kept_in_a_kind_that_can_also_be_sent(kind: str, stored: str) -> None:
    clean = clean_photo(encoded(picture(), kind), "application/octet-stream")
    assert clean.content_type == f"image/{stored}"
    image = opened(clean.content)
    assert image.format == stored.upper()
    assert image.size == (clean.width, clean.height) == (60, 40)
    assert is_like(image.convert("RGB").getpixel((5, 20)), RED)
    assert is_like(image.convert("RGB").getpixel((55, 20)), BLUE)


def test_heic_becomes_an_upright_jpeg_without_exif() -> None:
    clean = clean_photo(HEIC.read_bytes(), "image/heic")
    image = opened(clean.content)
    assert (clean.content_type, image.format, image.size) == ("image/jpeg", "JPEG", (64, 48))
    assert is_like(image.getpixel((5, 20)), (200, 85, 61))
    assert not image.getexif()
    assert b"Doorstep" not in clean.content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_gone(kind: str) -> None:
    options: dict[str, Any] = {"exif": exif()}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", SECRET_PLACE.decode())
    else:
        options["xmp"] = b"<x>" + SECRET_PLACE + b"</x>"
    if kind == "JPEG":
        options["comment"] = SECRET_PLACE
    dirty = encoded(picture(), kind, **options)
    assert SECRET_PLACE in dirty
    clean = clean_photo(dirty, "image/jpeg")
    assert SECRET_PLACE not in clean.content
    assert not opened(clean.content).getexif()


def test_bytes_hidden_behind_the_picture_are_gone() -> None:
    clean = clean_photo(encoded(picture(), "JPEG") + b"<script>" + SECRET_PLACE, "image/jpeg")
    assert SECRET_PLACE not in clean.content


def test_photo_of_a_tilted_phone_is_turned_upright() -> None:
    clean = clean_photo(encoded(picture(), "JPEG", exif=exif(orientation=6)), "image/jpeg")
    image = opened(clean.content)
    assert image.size == (clean.width, clean.height) == (40, 60)
    assert is_like(image.getpixel((20, 5)), RED)
    assert is_like(image.getpixel((20, 55)), BLUE)


def test_photo_with_unreadable_exif_is_kept() -> None:
    dirty = encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)
    assert clean_photo(dirty, "image/jpeg").width == 60


def test_see_through_webp_keeps_its_transparency() -> None:
    ghost = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    clean = clean_photo(encoded(ghost, "WEBP", lossless=True), "image/webp")
    assert clean.content_type == "image/png"
    assert opened(clean.content).getpixel((5, 5))[3] == 0


def test_palette_with_a_transparent_colour_keeps_its_transparency() -> None:
    ghost = picture("P")
    dirty = encoded(ghost, "PNG", transparency=ghost.getpixel((5, 20)))
    alpha = opened(clean_photo(dirty, "image/png").content).convert("RGBA")
    assert (alpha.getpixel((5, 20))[3], alpha.getpixel((55, 20))[3]) == (0, 255)


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "I;16", "LA", "P"])
def test_unusual_colour_modes_are_kept(mode: str) -> None:
    if mode == "I;16":
        dirty = encoded(Image.new("I;16", (60, 40), 0x8000), "PNG")
        image = opened(clean_photo(dirty, "image/png").content).convert("L")
        assert 120 <= image.getpixel((5, 5)) <= 136
        return
    kind = "JPEG" if mode == "CMYK" else "PNG"
    clean = clean_photo(encoded(picture(mode), kind), "image/png")
    assert (clean.width, clean.height) == (60, 40)
    shown = opened(clean.content).convert("RGB")
    left, right = (shown.resize((1, 1), box=(x, 0, x + 30, 40)).getpixel((0, 0)) for x in (0, 30))
    assert left[0] > right[0] + 15


def test_colour_profile_of_a_wide_gamut_photo_is_kept() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clean = clean_photo(encoded(picture(), "JPEG", icc_profile=profile), "image/jpeg")
    assert opened(clean.content).info["icc_profile"] == profile


def test_animation_stays_one_with_its_timing_and_without_comments() -> None:
    frames = [Image.new("RGB", (20, 20), (n * 60, 0, 0)) for n in range(4)]
    dirty = encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:],
        duration=[100, 200, 300, 400], comment=SECRET_PLACE,
    )  # fmt: skip
    clean = clean_photo(dirty, "image/gif")
    image = opened(clean.content)
    assert (clean.content_type, getattr(image, "n_frames", 1)) == ("image/gif", 4)
    shown = [
        (frame.info["duration"], frame.convert("RGB").getpixel((5, 5))[0])
        for frame in ImageSequence.Iterator(image)
    ]
    assert [duration for duration, _ in shown] == [100, 200, 300, 400]
    assert [red // 60 for _, red in shown] == [0, 1, 2, 3]
    assert SECRET_PLACE not in clean.content


def test_endless_animation_becomes_its_first_frame() -> None:
    first = Image.new("P", (2000, 2000), 1)
    first.putpalette([0, 0, 0, *RED])
    rest = [first.copy() for _ in range(16)]
    for number, frame in enumerate(rest):
        frame.putpixel((number, 0), 0)
    dirty = encoded(first, "GIF", save_all=True, append_images=rest)
    clean = clean_photo(dirty, "image/gif")
    assert clean.content_type == "image/png"
    assert is_like(opened(clean.content).convert("RGB").getpixel((5, 5)), RED)


def test_huge_picture_is_shrunk_in_proportion() -> None:
    clean = clean_photo(encoded(picture(size=(6000, 3000)), "JPEG"), "image/jpeg")
    assert (clean.width, clean.height) == (MAX_SIDE, MAX_SIDE // 2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_picture_that_does_not_compress_still_fits_the_limit(kind: str) -> None:
    noise = Image.frombytes("RGB", (2400, 2000), Random(1).randbytes(2400 * 2000 * 3))
    dirty = encoded(noise, kind, **({"quality": 100} if kind == "JPEG" else {}))
    assert len(dirty) > MAX_BYTES
    clean = clean_photo(dirty, "image/png")
    assert len(clean.content) <= MAX_BYTES
    assert clean.content_type == "image/jpeg"


@pytest.mark.parametrize("size", [(7100, 7100), (20_000, 20_000)])
def test_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    bomb = encoded(Image.new("1", size), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(Unreadable) as caught:
        clean_photo(bomb, "image/png")
    assert caught.value.reason == "too_many_pixels"


@pytest.mark.parametrize(
    ("content", "declared", "reason"),
    [
        (b"", "image/jpeg", "empty"),
        (b"hello", "image/jpeg", "not_a_photo"),
        (b"%PDF-1.7 ...", "application/pdf", "not_a_photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "not_a_photo"),
        (b"\0\0\0\x18ftypmp42" + bytes(50), "video/mp4", "not_a_photo"),
        (b"\xff\xd8\xff", "image/jpeg", "not_a_photo"),
        (encoded(picture(), "BMP"), "image/bmp", "not_a_photo"),
        (encoded(picture(), "TIFF"), "image/tiff", "not_a_photo"),
        (encoded(picture(size=(300, 300)), "JPEG")[:-400], "image/jpeg", "broken"),
        (encoded(picture(size=(300, 300)), "PNG")[:-60], "image/png", "broken"),
        (HEIC.read_bytes()[:-60], "image/heic", "not_a_photo"),
    ],
)
def test_what_is_no_readable_photo_is_refused_with_its_reason(
    content: bytes, declared: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        clean_photo(content, declared)
    assert caught.value.reason == reason


def test_declared_type_decides_nothing() -> None:
    assert clean_photo(encoded(picture(), "PNG"), "text/html").content_type == "image/png"


GOOD = [
    encoded(picture(), "JPEG", exif=exif(6)),
    encoded(picture(), "PNG"),
    encoded(picture(), "GIF"),
    encoded(picture(), "WEBP"),
    HEIC.read_bytes(),
]


@settings(max_examples=150, deadline=None)
@given(
    good=st.sampled_from(GOOD),
    hits=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 40),
)
def test_damaged_bytes_are_cleaned_or_unreadable_and_nothing_else(
    good: bytes, hits: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(good)
    for where, value in hits:
        damaged[where % len(damaged)] = value
    try:
        clean = clean_photo(bytes(damaged[: len(damaged) - cut]), "image/jpeg")
    except Unreadable:
        return
    opened(clean.content)


# --- Keeping


def test_stored_photo_comes_back_under_its_key(tmp_path: Path) -> None:
    store = DiskMediaStore(tmp_path / "media")
    key = store.put(7, b"photo")
    assert store.get(key) == b"photo"
    assert DiskMediaStore(tmp_path / "media").get(key) == b"photo"


def test_same_content_of_one_shop_lies_once_and_of_two_shops_twice(tmp_path: Path) -> None:
    store = DiskMediaStore(tmp_path)
    assert store.put(7, b"photo") == store.put(7, b"photo")
    assert store.put(8, b"photo") != store.put(7, b"photo")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_deleted_photo_is_gone_for_its_shop_only(tmp_path: Path) -> None:
    store = DiskMediaStore(tmp_path)
    mine, theirs = store.put(7, b"photo"), store.put(8, b"photo")
    store.delete(mine)
    store.delete(mine)
    with pytest.raises(MediaGone):
        store.get(mine)
    assert store.get(theirs) == b"photo"


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "7/ab/../../../x", "/etc/passwd", "7/ab/" + "g" * 64, "7\0"]
)
def test_key_that_we_did_not_make_reads_and_deletes_nothing(tmp_path: Path, key: str) -> None:
    store = DiskMediaStore(tmp_path)
    with pytest.raises(MediaGone):
        store.get(key)
    with pytest.raises(MediaGone):
        store.delete(key)


def test_many_writers_of_one_photo_leave_one_whole_file(tmp_path: Path) -> None:
    store, content = DiskMediaStore(tmp_path), Random(2).randbytes(300_000)
    writers = [threading.Thread(target=store.put, args=(7, content)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(10)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o077 == 0


# --- Showing

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RING = ["first-secret", "older-secret"]


def test_signed_address_shows_its_photo_until_its_time_is_over() -> None:
    token = sign_media_token(RING, 42, 7, NOW + timedelta(minutes=5))
    assert read_media_token(RING, token, NOW) == MediaGrant(media_id=42, shop_id=7)
    assert read_media_token(RING, token, NOW + timedelta(seconds=299)).media_id == 42
    with pytest.raises(BadMediaToken) as caught:
        read_media_token(RING, token, NOW + timedelta(minutes=5))
    assert caught.value.reason == "expired"


def test_first_secret_signs_and_older_ones_are_still_read() -> None:
    until = NOW + timedelta(minutes=5)
    old = sign_media_token(["older-secret"], 42, 7, until)
    assert read_media_token(RING, old, NOW).media_id == 42
    new = sign_media_token(RING, 42, 7, until)
    assert read_media_token(["first-secret"], new, NOW).media_id == 42
    with pytest.raises(BadMediaToken):
        read_media_token(["older-secret"], new, NOW)


@given(token=st.text(max_size=80))
def test_made_up_address_shows_nothing(token: str) -> None:
    with pytest.raises(BadMediaToken):
        read_media_token(RING, token, NOW)


def test_every_changed_letter_spoils_an_address() -> None:
    token = sign_media_token(RING, 42, 7, NOW + timedelta(minutes=5))
    assert all(letter.isalnum() or letter in "-_." for letter in token)
    for place in range(len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadMediaToken):
            read_media_token(RING, changed, NOW)
