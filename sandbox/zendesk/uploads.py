"""Files: uploaded ahead of a comment, downloaded from the address that the comment shows.

An upload's token lives 60 minutes, holds several files, and is spent by the comment that names it.
A download answers with a redirect to the content host, as the vendor's does.
"""

from __future__ import annotations

import mimetypes
from datetime import datetime, timedelta
from urllib.parse import quote

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from sandbox import clock, faults
from sandbox.zendesk import refusals
from sandbox.zendesk.doors import Answer, Call, Doors
from sandbox.zendesk.world import Account, Record, ZendeskWorld

TOKEN_LIFE = timedelta(minutes=60)
MOST_BYTES = 50 * 1024 * 1024


def open_doors(doors: Doors) -> None:
    """The upload endpoint and the two steps of a download."""
    world = doors.world
    # Which narrow scope covers uploads is not documented, so here only the broad one does.
    doors.api("POST", "/uploads", "uploads.create", _upload, scope=":write")

    def attachment(subdomain: str, token: str) -> ResponseReturnValue:
        faults.apply("zendesk", "attachments.show")
        _file(world.account(subdomain), token)
        return redirect(f"/zendesk/{subdomain}/_content/{token}")

    def content(subdomain: str, token: str) -> ResponseReturnValue:
        file = _file(world.account(subdomain), token)
        answer = Response(world.read_file(token), mimetype=file["content_type"])
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer

    doors.page("GET", "/attachments/token/<token>/", attachment)
    doors.page("GET", "/_content/<token>", content)


def attach(
    world: ZendeskWorld, account: Account, base: str, name: str, content_type: str, content: bytes
) -> Record:
    """Keep a file. Returns it as an attachment is shown."""
    token = world.keep_file(content)
    number = account.next_id()
    address = f"{base}/attachments/token/{token}/?name={quote(name)}"
    file = {
        "id": number,
        "url": f"{base}/api/v2/attachments/{number}.json",
        "file_name": name,
        "content_type": content_type,
        "content_url": address,
        "mapped_content_url": address,
        "size": len(content),
        "width": None,
        "height": None,
        "inline": False,
        "deleted": False,
        "malware_scan_result": "not_scanned",
        "thumbnails": [],
    }
    account.files[token] = file
    return file


def _upload(call: Call) -> Answer:
    name, content = request.args.get("filename", ""), request.get_data()
    if not name or "." not in name:
        raise refusals.invalid_attribute("filename", "is required, with its extension")
    if not content:
        raise refusals.record_invalid("base", "Attachment: is empty")
    if len(content) > MOST_BYTES:
        raise refusals.Refusal(413, {"error": "AttachmentTooLarge", "description": "Over 50 MB"})
    kind = request.mimetype
    if kind not in ("application/binary", mimetypes.guess_type(name)[0]):
        raise refusals.invalid_attribute("Content-Type", f"does not fit {name}")
    account = call.account
    token = request.args.get("token") or f"up{account.next_id()}"
    upload = account.uploads.get(token)
    if request.args.get("token") and upload is None:
        raise refusals.not_found()
    if upload is None or datetime.fromisoformat(upload["until"]) <= clock.now():
        upload = {"files": [], "until": (clock.now() + TOKEN_LIFE).isoformat()}
        account.uploads[token] = upload
    file = attach(call.world, account, call.base, name, kind, content)
    upload["files"].append(file)
    return 201, {"upload": {"token": token, "attachment": file, "attachments": upload["files"]}}


def _file(account: Account, token: str) -> Record:
    found = account.files.get(token)
    if found is None:
        raise refusals.not_found()
    return found
