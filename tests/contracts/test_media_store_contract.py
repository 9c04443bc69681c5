"""What every MediaStore does: a folder, and a bucket that checks each signature."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.foundation.errors import Temporary
from app.foundation.media import DiskMediaStore, MediaGone, MediaStore
from app.vendors.s3.store import S3MediaStore
from sandbox.s3 import create_blueprint
from sandbox.s3.signature import Keys

KEYS = Keys("key-of-tests", "secret-of-tests", "eu-central-1")
PHOTO = bytes(range(256)) * 20


@contextmanager
def bucket(objects: dict[str, bytes]) -> Iterator[str]:
    """Where a bucket called `photos` answers."""
    door = socket.create_server(("127.0.0.1", 0))
    app = Flask("s3-under-test")
    app.register_blueprint(create_blueprint("photos", KEYS, objects))
    port = door.getsockname()[1]
    server = make_server("127.0.0.1", port, app, threaded=True, fd=door.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        door.close()
        thread.join(timeout=5)


def at_bucket(url: str, *, secret: str = KEYS.secret, name: str = "photos") -> S3MediaStore:
    return S3MediaStore(endpoint=url, bucket=name, region=KEYS.region, key=KEYS.key, secret=secret)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MediaStore]:
    if request.param == "disk":
        yield DiskMediaStore(tmp_path / "media")
        return
    with bucket({}) as url:
        yield at_bucket(url)


def test_photo_comes_back_under_its_key(store: MediaStore) -> None:
    assert store.get(store.put(7, PHOTO)) == PHOTO


def test_same_content_of_one_shop_has_one_key_and_of_two_shops_two(store: MediaStore) -> None:
    assert store.put(7, PHOTO) == store.put(7, PHOTO)
    assert store.put(8, PHOTO) != store.put(7, PHOTO)


def test_deleted_photo_is_gone_for_its_shop_only_and_again_is_fine(store: MediaStore) -> None:
    mine, theirs = store.put(7, PHOTO), store.put(8, PHOTO)
    store.delete(mine)
    store.delete(mine)
    with pytest.raises(MediaGone):
        store.get(mine)
    assert store.get(theirs) == PHOTO


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "7/ab/" + "g" * 64, "7\0"])
def test_key_that_we_did_not_make_reads_and_deletes_nothing(store: MediaStore, key: str) -> None:
    with pytest.raises(MediaGone):
        store.get(key)
    with pytest.raises(MediaGone):
        store.delete(key)


# --- The bucket alone


def test_folder_and_bucket_know_a_photo_by_the_same_key(tmp_path: Path) -> None:
    objects: dict[str, bytes] = {}
    with bucket(objects) as url:
        key = at_bucket(url).put(7, PHOTO)
    assert list(objects) == [key] == [DiskMediaStore(tmp_path).put(7, PHOTO)]


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"name": "another"}])
def test_bucket_that_refuses_us_is_temporary_and_quotes_nothing(wrong: dict[str, str]) -> None:
    with bucket({}) as url:
        store = at_bucket(url, **wrong)
        for attempt in (lambda: store.put(7, PHOTO), lambda: store.delete("7/ab/" + "a" * 64)):
            with pytest.raises(Temporary) as refused:
                attempt()
            assert url not in str(refused.value) and "another" not in str(refused.value)


def test_bucket_that_does_not_answer_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Temporary):
        at_bucket(f"http://127.0.0.1:{port}").get("7/ab/" + "a" * 64)


def test_installation_with_a_folder_imports_no_client() -> None:
    told = "import sys, app.bootstrap; print([m for m in sys.modules if 'obstore' in m])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
