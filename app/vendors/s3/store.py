"""Photos in a bucket that speaks S3, at Amazon or elsewhere: fulfils `foundation.media.MediaStore`.

Built by `bootstrap` where MEDIA_S3_BUCKET is set; nothing of it is imported otherwise. The bucket
is private: photos are shown by our own door only. Writing, reading and deleting may each be
repeated, so the client does so by itself for some seconds (docs.aws.amazon.com/AmazonS3, "Error
best practices"); what still fails is Temporary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from app.foundation.errors import Temporary
from app.foundation.media import MediaGone, check_key, key_of

VENDOR = "media store"
CONNECT, WHOLE_REQUEST = timedelta(seconds=3), timedelta(seconds=15)
NOT_FOUND = (NotFoundError, FileNotFoundError)  # which of the two depends on the call
RETRIES, RETRY_FOR = 2, timedelta(seconds=20)


class S3MediaStore:
    """Safe to share between threads. `endpoint` None: Amazon's own, of that region."""

    def __init__(
        self, *, endpoint: str | None, bucket: str, region: str, key: str, secret: str
    ) -> None:
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            region=region,
            access_key_id=key,
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            disable_bulk_delete=True,  # not every bucket has it, and one that has not is not told
            client_options={
                "connect_timeout": CONNECT,
                "timeout": WHOLE_REQUEST,
                "allow_http": (endpoint or "").startswith("http://"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
        )

    def put(self, shop_id: int, content: bytes) -> str:
        key = key_of(shop_id, content)
        with _translated():
            self._store.put(key, content, use_multipart=False)
        return key

    def get(self, key: str) -> bytes:
        check_key(key)
        with _translated():
            try:
                return bytes(self._store.get(key).bytes())
            except NOT_FOUND as error:
                raise MediaGone("media_gone", "this photo is no longer kept") from error

    def delete(self, key: str) -> None:
        # A photo that is gone already is deleted as well; "not found" would mean the bucket.
        with _translated():
            self._store.delete(check_key(key))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BaseError, *NOT_FOUND) as error:
        # Its own text holds addresses and the bucket's answer; the kind says enough.
        raise Temporary(VENDOR, type(error).__name__) from None
