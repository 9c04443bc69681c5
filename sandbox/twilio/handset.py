"""A buyer texts: the message is stored, the carrier does its part, the webhook goes out.

Fields follow twilio.com/docs/messaging/guides/webhook-request. `lose_webhook` keeps the message
in Twilio's list and tells nobody, as when Doorstep was down for longer than all retries.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from sandbox import stream
from sandbox.twilio import keywords, segments
from sandbox.twilio.carrier import Carrier
from sandbox.twilio.couriers import Courier, Outcome
from sandbox.twilio.store import Account, Message, Number, Store, new_sid, stamp
from sandbox.world import World

_PLACES = {
    "212": ("NEW YORK", "NY", "10001"),
    "305": ("MIAMI", "FL", "33101"),
    "312": ("CHICAGO", "IL", "60601"),
    "415": ("SAN FRANCISCO", "CA", "94102"),
    "512": ("AUSTIN", "TX", "78701"),
    "617": ("CAMBRIDGE", "MA", "02139"),
    "206": ("SEATTLE", "WA", "98101"),
    "303": ("DENVER", "CO", "80202"),
}


@dataclass(frozen=True)
class Photo:
    content_type: str
    content: bytes


class Handset:
    """The phones of all buyers."""

    def __init__(self, world: World, store: Store, courier: Courier, carrier: Carrier) -> None:
        self._world = world
        self._store = store
        self._courier = courier
        self._carrier = carrier

    def text(
        self,
        buyer: str,
        number: Number,
        body: str,
        photos: list[Photo],
        *,
        lose_webhook: bool = False,
        wait: bool = False,
    ) -> tuple[Message, Outcome | None]:
        """Send one text from a buyer's phone; with `wait`, until the webhook was answered."""
        sid = new_sid("MM" if photos else "SM")
        message = Message(
            sid,
            number.account_sid,
            number.phone,
            buyer,
            body,
            "inbound",
            "received",
            stamp(),
            service_sid=number.service_sid,
            sent=stamp(),
            num_segments=segments.count(body),
            media=[
                self._store.put_media(number.account_sid, sid, one.content_type, one.content).sid
                for one in photos
            ],
        )
        keyword = self._obey_keyword(number, buyer, body)
        self._store.add(message)
        stream.publish("message", {"sid": sid, "buyer": buyer, "status": "received"})
        if keyword is not None and keyword.answer:
            self._carrier.answer_for_carrier(number, buyer, keyword.answer, shown=keyword.shown)
        account = self._store.accounts[number.account_sid]
        if lose_webhook or not number.inbound_url:
            return message, None
        params = self._webhook(message, number, keyword)
        if wait:
            return message, self._deliver(number, params, account)
        self._courier.soon("inbound", self._deliver, number, params, account)
        return message, None

    def _obey_keyword(self, number: Number, buyer: str, body: str) -> keywords.Keyword | None:
        key = (self._store.opt_out_key(number), buyer)
        with self._store.lock:
            keyword = keywords.read(number, body, opted_out=key in self._store.opted_out)
            if keyword is not None and keyword.kind == "STOP":
                self._store.opted_out.add(key)
            if keyword is not None and keyword.kind == "START":
                self._store.opted_out.discard(key)
        return keyword

    def _webhook(
        self, message: Message, number: Number, keyword: keywords.Keyword | None
    ) -> dict[str, str]:
        from_place = _PLACES.get(message.sender[2:5], ("", "", ""))
        params = {
            "ToCountry": "US",
            "ToState": "",
            "ToCity": "",
            "ToZip": "",
            "FromCountry": "US",
            "FromCity": from_place[0],
            "FromState": from_place[1],
            "FromZip": from_place[2],
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageSid": message.sid,
            "SmsStatus": "received",
            "AccountSid": message.account_sid,
            "From": message.sender,
            "To": message.to,
            "Body": message.body,
            "NumMedia": str(len(message.media)),
            "NumSegments": str(message.num_segments),
            "ApiVersion": "2010-04-01",
        }
        if number.service_sid:
            params["MessagingServiceSid"] = number.service_sid
        if keyword is not None and number.advanced_opt_out:
            params["OptOutType"] = keyword.kind
        for index, sid in enumerate(message.media):
            params[f"MediaContentType{index}"] = self._store.media[sid].content_type
            params[f"MediaUrl{index}"] = (
                f"{self._world.settings.url}/twilio/2010-04-01/Accounts/{message.account_sid}"
                f"/Messages/{message.sid}/Media/{sid}"
            )
        return params

    def _deliver(self, number: Number, params: dict[str, str], account: Account) -> Outcome:
        """Post to the inbound URL, on failure to the fallback URL, and read the answer."""
        outcome = self._courier.post("inbound", number.inbound_url, params, account)
        answers, problem = _texts_in(outcome)
        if problem and number.fallback_url:
            extra = {
                "ErrorCode": problem,
                "ErrorUrl": number.inbound_url.partition("#")[0],
            }
            outcome = self._courier.post(
                "fallback", number.fallback_url, {**params, **extra}, account
            )
            answers, problem = _texts_in(outcome)
        for answer in answers:
            self._answer(number, params["From"], answer)
        return outcome

    def _answer(self, number: Number, buyer: str, body: str) -> None:
        """A text that the webhook's answer asked for; it has no status address."""
        if self._store.is_opted_out(number, buyer):
            return
        message = Message(
            new_sid("SM"),
            number.account_sid,
            buyer,
            number.phone,
            body,
            "outbound-reply",
            "queued",
            stamp(),
            service_sid=number.service_sid,
            num_segments=segments.count(body),
        )
        self._store.add(message)
        self._carrier.take(message)


def _texts_in(outcome: Outcome) -> tuple[list[str], str]:
    """The texts that an answer asks for, and the vendor's error code if it is no good."""
    if not outcome.fine:
        return [], "11200"
    kind = outcome.content_type.partition(";")[0].strip().lower()
    if not outcome.text.strip():
        return [], ""
    if kind == "text/plain":
        return [outcome.text], ""  # plain text is sent to the buyer as it is
    if kind not in ("text/xml", "application/xml", "text/html"):
        return [], "12300"
    try:
        root = ElementTree.fromstring(outcome.text)
    except ElementTree.ParseError:
        return [], "12100"
    if root.tag != "Response":
        return [], "12100"
    return ["".join(element.itertext()).strip() for element in root.iter("Message")], ""
