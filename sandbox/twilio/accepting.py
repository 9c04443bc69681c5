"""Whether the emulated API takes a text: every check of `messages.create`, in one place.

Called by `api`; refuses with the vendor's codes. The magic numbers are those of its test
credentials (twilio.com/docs/iam/test-credentials).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sandbox import clock
from sandbox.twilio import codes, segments
from sandbox.twilio.carrier import refusal_for
from sandbox.twilio.store import Account, Message, Number, Store, new_sid, stamp

CHOICES = {
    "RiskCheck": {"enable", "disable"},
    "ContentRetention": {"retain", "discard"},
    "AddressRetention": {"retain", "obfuscate"},
    "ScheduleType": {"fixed"},
    "MessageIntent": {
        "delivery", "customercare", "notifications", "marketing", "events", "polling",
        "announcements", "education",
    },
}  # fmt: skip
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}


def accept(store: Store, account: Account, form: dict[str, str]) -> Message:
    """Check every parameter and make the message; refuse as the vendor would."""
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        codes.refuse(21604)
    if to in MAGIC_TO:
        codes.refuse(MAGIC_TO[to], to)
    if not _is_e164(to):
        codes.refuse(21211, to)
    if not body and "MediaUrl" not in form:
        codes.refuse(21602)
    if len(body) > 1600:
        codes.refuse(21617)
    number = _sender(store, account, form, to)
    callback = form.get("StatusCallback", "")
    if callback and not _is_url(callback):
        codes.refuse(21609, callback)
    validity = form.get("ValidityPeriod", "36000")
    if not validity.isdecimal() or not 1 <= int(validity) <= 36000:
        codes.refuse(21624, validity)
    for name, allowed in CHOICES.items():
        if name in form and form[name] not in allowed:
            codes.refuse(20001, f"{name}={form[name]}")
    refused = refusal_for(store, number, to)
    if refused:
        codes.refuse(refused, to)
    service = form.get("MessagingServiceSid", "")
    return Message(
        new_sid("SM"),
        account.sid,
        to,
        number.phone,
        body,
        "outbound-api",
        "scheduled" if "SendAt" in form else "accepted" if service else "queued",
        stamp(),
        service_sid=service,
        num_segments=segments.count(body),
        status_callback=callback or number.status_url,
        validity_seconds=int(validity),
        send_at=_send_at(form, service),
        params=form,
    )


def _sender(store: Store, account: Account, form: dict[str, str], to: str) -> Number:
    service, sender = form.get("MessagingServiceSid", ""), form.get("From", "")
    if sender in MAGIC_FROM:
        codes.refuse(MAGIC_FROM[sender], sender)
    if not service and not sender:
        codes.refuse(21603)
    if service and store.services.get(service) != account.sid:
        codes.refuse(21705, service)
    if sender:
        number = store.numbers.get(sender)
        if number is None or number.account_sid != account.sid:
            codes.refuse(21606, sender)
    else:
        pool = store.senders_of(service)
        if not pool:
            codes.refuse(21703, service)
        # The sticky sender: a buyer always hears from the same number of the service.
        spoken = {message.line for message in store.by_buyer.get(to, ())}
        number = next((one for one in pool if one.phone in spoken), pool[hash(to) % len(pool)])
    if number.phone == to:
        codes.refuse(21266)
    return number


def _send_at(form: dict[str, str], service: str) -> str:
    if "SendAt" not in form:
        return ""
    try:
        when = datetime.fromisoformat(form["SendAt"])
    except ValueError:
        codes.refuse(20001, f"SendAt={form['SendAt']}")
    if not service or form.get("ScheduleType") != "fixed":
        codes.refuse(20001, "scheduling needs ScheduleType and a MessagingServiceSid")
    wait = when - clock.now()
    if not timedelta(minutes=15) <= wait <= timedelta(days=35):
        codes.refuse(35114)
    return when.isoformat()


def media_urls(urls: list[str]) -> list[str]:
    if len(urls) > 10:
        codes.refuse(21623)
    for url in urls:
        if not _is_url(url):
            codes.refuse(21620, url)
    return urls


def _is_e164(phone: str) -> bool:
    return phone.startswith("+") and phone[1:].isdecimal() and 8 <= len(phone) - 1 <= 15


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
