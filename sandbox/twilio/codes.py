"""Twilio's error codes as the emulator raises them, and the shape of an error answer.

Texts follow twilio.com/docs/errors in meaning; the vendor says that they may change, so nobody
should match on them.
"""

from __future__ import annotations

from typing import NoReturn

from flask import abort, jsonify

MEANINGS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authentication Error - invalid username"),
    20009: (400, "The message is not in a state that allows this"),
    20404: (404, "The requested resource was not found"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid 'From' Number"),
    21266: (400, "'To' and 'From' number cannot be the same"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number is not a valid, message-capable number of this account",
    ),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (
        429,
        "This 'From' number has exceeded the maximum number of queued messages",
    ),
    21612: (400, "The combination of 'To' and 'From' cannot be connected"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21624: (400, "Invalid ValidityPeriod value"),
    21620: (400, "Invalid media URL(s)"),
    21703: (
        400,
        "The Messaging Service does not have a phone number available to send a message",
    ),
    21705: (400, "The Messaging Service is invalid"),
    35114: (400, "SendAt must be between 15 minutes and 35 days in the future"),
}

# Told when a text is taken, not when it has been tried: refused by the API itself.
REFUSED_AT_THE_DOOR = frozenset({21211, 21408, 21610, 21612, 21614})


def body(code: int, status: int, message: str) -> dict[str, object]:
    """An error as the 2010 API words it."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def refuse(code: int, detail: str = "") -> NoReturn:
    """Answer the request with this error."""
    status, message = MEANINGS[code]
    response = jsonify(body(code, status, f"{message}: {detail}" if detail else message))
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    abort(response)
