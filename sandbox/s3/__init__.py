"""A bucket that speaks S3: put, get and delete one object, by path, each request signed.

For tests of the photos' store. What Amazon refuses, this refuses: a signature that does not fit
(docs.aws.amazon.com, "Signature Version 4"), a body that is not the one that was signed, a moment
more than 15 minutes away, another bucket.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from sandbox.s3.signature import Keys, Wrong, check


def create_blueprint(bucket: str, keys: Keys, objects: dict[str, bytes]) -> Blueprint:
    """`objects` is the bucket's content, by key."""
    doors = Blueprint("s3", __name__)

    @doors.before_request
    def admit() -> Response | None:
        try:
            check(keys)
        except Wrong as wrong:
            return _refusal(403, str(wrong))
        if request.path.split("/")[1] != bucket:
            return _refusal(404, "NoSuchBucket")
        return None

    @doors.put(f"/{bucket}/<path:key>")
    def put(key: str) -> ResponseReturnValue:
        objects[key] = request.get_data()
        return Response(status=200, headers={"ETag": '"0"'})

    @doors.get(f"/{bucket}/<path:key>")
    def get(key: str) -> ResponseReturnValue:
        if key not in objects:
            return _refusal(404, "NoSuchKey")
        headers = {"ETag": '"0"', "Last-Modified": "Fri, 20 Nov 2026 17:00:00 GMT"}
        return Response(objects[key], mimetype="application/octet-stream", headers=headers)

    @doors.delete(f"/{bucket}/<path:key>")
    def delete(key: str) -> ResponseReturnValue:
        objects.pop(key, None)
        return Response(status=204)

    return doors


def _refusal(status: int, code: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Response(body, status=status, mimetype="application/xml")
