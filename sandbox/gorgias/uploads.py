"""`POST /api/upload` and the address from which a file can be fetched afterwards."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue

from sandbox import faults
from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Answer, Call, Doors
from sandbox.gorgias.world import Account, GorgiasWorld, Record

MOST_BYTES = 10 * 1024 * 1024


def open_doors(doors: Doors) -> None:
    world = doors.world
    # Which scope covers uploads is not documented.
    doors.api("POST", "/upload", "upload", _upload, scope="tickets:write")

    def content(subdomain: str, token: str, name: str) -> ResponseReturnValue:
        faults.apply("gorgias", "files.show")
        with world.changing():
            file = world.account(subdomain).files.get(token)
        if file is None:
            raise refusals.not_found("file")
        answer = Response(world.read_file(token), mimetype=file["content_type"])
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer

    doors.page("GET", "/_files/<token>/<name>", content)


def attach(
    world: GorgiasWorld, account: Account, name: str, content_type: str, content: bytes
) -> Record:
    """Keep a file. Returns it as an attachment is shown."""
    token = world.keep_file(content)
    file = {
        "url": f"{world.base(account.subdomain)}/_files/{token}/{name}",
        "name": name,
        "content_type": content_type,
        "size": len(content),
        "public": True,
    }
    account.files[token] = file
    return file


def _upload(call: Call) -> Answer:
    if request.args.get("type") != "attachment":
        raise refusals.invalid("type", "must be attachment")
    parts = request.files.getlist("file")
    if not parts:
        raise refusals.invalid("file", "is required")
    kept = []
    for part in parts:
        content = part.read()
        if not content or not part.filename:
            raise refusals.invalid("file", "is empty or has no name")
        if len(content) > MOST_BYTES:
            raise refusals.Refusal(413, {"error": {"msg": "The file is too large."}})
        kept.append(attach(call.world, call.account, part.filename, part.mimetype, content))
    return 201, kept
