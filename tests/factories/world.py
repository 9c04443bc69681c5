"""A whole Doorstep for one test: real Postgres and Redis, real doors, fakes behind the ports.

Nothing is patched. Time stands still until a test moves it. `settle` does what relay, worker and
ticker do, in this process, until nothing is left to do.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from app.bootstrap import Ports
from app.checkins.models import CheckIn
from app.contacts.models import Contact
from app.foundation.bell import SilentBell
from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.foundation.media import DiskMediaStore
from app.foundation.outbox import QUEUES
from app.messaging.connect import Line, connect_line
from app.messaging.models import Message
from app.orders.ports import ShopFacts
from app.proof.anchor_folder import AnchorFolder
from app.reactions import react
from app.relay import relay_once
from app.settings import Settings
from app.shops.install import known_shop, store_tokens
from app.ticker import DUTIES
from app.vendors.fake.commerce import FakeCommerce
from app.vendors.fake.helpdesk import FakeHelpdesk
from app.vendors.fake.helpdesk_oauth import FakeAuthorisation
from app.vendors.fake.sms import FakeSms
from app.vendors.fake.tokens import FakeTokenSource
from app.vendors.shopify.session_token import ShopifyIdTokens
from app.web import create_app
from app.workshop import Workshop
from tests import servers as test_servers
from tests.factories import payloads, zaf

SECRET = "shopify-secret-of-tests"
PUBLIC_URL = "https://doorstep.example"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "auth-token-of-tests"
SERVICE = "MG0123456789abcdef0123456789abcdef"
LINE = "+12025550188"
BUYER = "+14155550142"
DOMAIN = "acme-outfitters.myshopify.com"
# A Thursday, 11:00 in Portland: lawful everywhere on the mainland.
NOON = datetime(2026, 11, 19, 19, 0, tzinfo=UTC)


class FixedClock:
    def __init__(self, at: datetime = NOON) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def move(self, to: datetime) -> None:
        self._at = to

    def advance(self, **span: float) -> None:
        self._at += timedelta(**span)


@dataclass(frozen=True)
class ShopAtHand:
    id: int
    domain: str
    door_key: str
    line: str


class World:
    def __init__(self, database: test_servers.Database, redis_url: str, home: Path) -> None:
        self.clock = FixedClock()
        self.sms = FakeSms(self.clock)
        self.commerce = FakeCommerce()
        self.helpdesk = FakeHelpdesk(self.clock)
        self.authorisation = FakeAuthorisation(self.clock)
        self.tokens = FakeTokenSource()
        settings = Settings(
            doorstep_env="test",
            public_url=PUBLIC_URL,
            database_url=database.url,
            redis_url=redis_url,
            encryption_keys=Fernet.generate_key().decode(),
            metrics_token="metrics-of-tests",
            media_path=home / "media",
            anchor_path=home / "anchors",
            desk_path=home / "desk",
            zendesk_app_public_key=zaf.public_pem(),
            shopify_api_key="key-of-tests",
            shopify_api_secret=SECRET,
        )
        self.ports = Ports(
            settings=settings,
            db=Database(database.url, reactions=react, doorbell=SilentBell()),
            clock=self.clock,
            keys=KeyRing(settings.encryption_keys.get_secret_value()),
            media=DiskMediaStore(settings.media_path),
            anchors=AnchorFolder(settings.anchor_path),
            sms=self.sms,
            commerce=self.commerce,
            tokens=self.tokens,
            id_tokens=ShopifyIdTokens(settings.shopify_api_key, settings.shopify_secrets),
            helpdesks={"zendesk": self.helpdesk},
            helpdesk_authorisations={"zendesk": self.authorisation},
        )
        self.db = self.ports.db
        self.client: FlaskClient = create_app(self.ports).test_client()
        self.redis = Redis.from_url(redis_url)
        self.redis.flushdb()
        self._workshop = Workshop(self.ports, threads=2)
        self._numbers = itertools.count(1)
        self._validator = RequestValidator(TOKEN)

    def restart_web(self, settings: Settings | None = None) -> None:
        """As after a deployment: nothing that a web process remembers is left."""
        ports = self.ports if settings is None else self.with_settings(settings)
        self.client = create_app(ports).test_client()

    def redeploy(self, **settings: Any) -> None:
        """As after a deployment with other settings, secrets among them: web and worker are new
        processes, the database is what it was."""
        changed = self.ports.settings.model_copy(update=settings)
        self._workshop.close()
        self.ports = dataclasses.replace(
            self.ports,
            settings=changed,
            keys=KeyRing(changed.encryption_keys.get_secret_value()),
            id_tokens=ShopifyIdTokens(changed.shopify_api_key, changed.shopify_secrets),
        )
        self._workshop = Workshop(self.ports, threads=2)
        self.restart_web()

    def with_settings(self, settings: Settings) -> Ports:
        """The same house as an installation with other settings would see it."""
        return dataclasses.replace(self.ports, settings=settings)

    def close(self) -> None:
        self._workshop.close()
        self.redis.close()

    # --- What a test arranges

    def shop(self, domain: str = DOMAIN, *, line: str = LINE, mps: float = 1000.0) -> ShopAtHand:
        """An installed shop with a token and a line."""
        now = self.clock.now()
        with self.db.across_shops("test: install a shop") as session:
            shop = known_shop(session, now=now, domain=domain)
            shop.name, shop.timezone, shop.country = "Acme Outfitters", "America/New_York", "US"
            tokens = self.tokens.exchange(domain, "", now=now)
            store_tokens(session, now=now, shop=shop, tokens=tokens, keys=self.ports.keys)
            sender = connect_line(
                session,
                now=now,
                shop_id=shop.id,
                keys=self.ports.keys,
                line=Line(
                    account_sid=ACCOUNT,
                    auth_token=TOKEN,
                    messaging_service_sid=SERVICE,
                    phone=line,
                    kind="toll_free",
                    segments_per_second=mps,
                ),
            )
            at_hand = ShopAtHand(shop.id, domain, sender.door_key, line)
        self.commerce.add_shop(
            domain,
            ShopFacts(
                name="Acme Outfitters",
                email=None,
                timezone="America/New_York",
                currency="USD",
                country="US",
                scopes="",
            ),
            access_token=tokens.access_token,
        )
        self.settle()
        return at_hand

    # --- The doors

    def shopify(
        self,
        topic: str,
        payload: dict[str, Any],
        *,
        domain: str = DOMAIN,
        delivery: str | None = None,
        secret: str = SECRET,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        body = json.dumps(payload).encode()
        signature = base64.b64encode(
            hmac.new(secret.encode(), body, hashlib.sha256).digest()
        ).decode()
        return self.client.post(
            "/webhooks/shopify",
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": signature,
                "X-Shopify-Shop-Domain": domain,
                "X-Shopify-Webhook-Id": delivery or f"delivery-{next(self._numbers)}",
                "X-Shopify-Triggered-At": self.clock.now().isoformat(),
            }
            | (headers or {}),
        )

    def text(
        self,
        shop: ShopAtHand,
        body: str,
        *,
        sender: str = BUYER,
        sid: str | None = None,
        photos: list[str] | None = None,
        **extra: str,
    ) -> TestResponse:
        """The buyer texts the shop's line."""
        sid = sid or f"SMb{next(self._numbers):031x}"
        form = payloads.inbound_form(
            body,
            sid=sid,
            account_sid=ACCOUNT,
            from_phone=sender,
            to_phone=shop.line,
            photos=photos,
            **extra,
        )
        return self.twilio(f"/webhooks/twilio/{shop.door_key}/inbound", form)

    def report(self, shop: ShopAtHand, message: Message, status: str, **extra: str) -> TestResponse:
        """Twilio reports the fate of one of our texts."""
        form = [
            ("MessageSid", message.provider_sid or "SM" + "f" * 32),
            ("MessageStatus", status),
            ("AccountSid", ACCOUNT),
            *extra.items(),
        ]
        return self.twilio(f"/webhooks/twilio/{shop.door_key}/status?m={message.id}", form)

    def twilio(self, path: str, form: list[tuple[str, str]], **headers: str) -> TestResponse:
        signature = self._validator.compute_signature(PUBLIC_URL + path, dict(form))
        return self.client.post(
            path,
            data=payloads.encode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature,
            }
            | headers,
        )

    # --- Relay, worker, ticker

    def settle(self, *, patient: bool = False, queues: Sequence[str] = QUEUES) -> None:
        """Work until nothing is left that may run now; `patient` also waits out every pause.

        Only the workers of `queues` are there; what the others are given stays in Redis.
        """
        for _ in range(50):
            for duty in DUTIES:
                if duty.name in ("check_ins", "held_texts", "arrivals"):
                    duty.run(self.ports, self.clock.now())
            if patient:
                self.ask_about_lost()
                self.execute("UPDATE outbox SET available_at = now() WHERE failed_at IS NULL")
                self.execute("UPDATE receipts SET available_at = now() WHERE state = 'pending'")
            if not relay_once(self.db, self.redis).any:
                return
            for job in self._jobs(queues):
                self._workshop.work_off(**job)
        raise AssertionError("the work never ends")

    def recover(self) -> None:
        """What the ticker does for texts whose sender died, all its pauses waited out."""
        for _ in range(4):
            self.settle(patient=True)

    def ask_about_lost(self) -> None:
        """Ask for every look-up, the pauses before it waited out."""
        self.execute(
            "UPDATE messages SET look_up_at = now() WHERE look_up_at > now()"
            " AND state IN ('sending', 'unknown')"
        )
        self.duty("orphans")

    def duty(self, name: str) -> None:
        """One duty of the ticker, once."""
        [duty] = [duty for duty in DUTIES if duty.name == name]
        duty.run(self.ports, self.clock.now())

    def _jobs(self, queues: Sequence[str]) -> Sequence[dict[str, Any]]:
        taken = []
        for name in queues:
            queue = Queue(name, connection=self.redis, serializer=JSONSerializer)
            for job in queue.jobs:
                taken.append(job.kwargs)
                job.delete()
        return taken

    # --- What a test looks at

    def execute(self, statement: str, **values: Any) -> None:
        with self.db.across_shops("test") as session:
            session.execute(sa.text(statement), values)

    def scalar(self, statement: str, **values: Any) -> Any:
        with self.db.across_shops("test") as session:
            return session.execute(sa.text(statement), values).scalar()

    def all(self, model: type[Any], *where: Any) -> list[Any]:
        with self.db.across_shops("test") as session:
            return list(session.scalars(sa.select(model).where(*where).order_by(model.id)))

    def files(self) -> list[Path]:
        """What lies in the media room."""
        return list(self.ports.settings.media_path.rglob("*"))

    def sent(self) -> list[str]:
        """What the provider took, in order."""
        return [text.body for text in self.sms.handed_over]

    def check_ins(self) -> list[CheckIn]:
        return self.all(CheckIn)

    def texts(self, **fields: Any) -> list[Message]:
        return self.all(Message, *(getattr(Message, name) == v for name, v in fields.items()))

    def contact(self, phone: str = BUYER) -> Contact:
        contact: Contact = self.all(Contact, Contact.phone == phone)[0]
        return contact

    # --- Common stories

    def order(self, order_id: int = 5001, **facts: Any) -> TestResponse:
        at = facts.pop("updated_at", self.clock.now() - timedelta(days=3))
        return self.shopify(
            "orders/create", payloads.order_payload(order_id, updated_at=at, **facts)
        )

    def deliver(self, order_id: int = 5001, parcel: int = 9001) -> TestResponse:
        return self.shopify(
            "fulfillment_events/create",
            payloads.scan_payload(order_id, parcel, at=self.clock.now()),
        )

    def checked_in(self, shop: ShopAtHand) -> Message:
        """An order was placed and delivered, and its check-in has gone out."""
        self.order()
        self.deliver()
        self.settle()
        self.clock.advance(hours=2, minutes=25)
        self.settle()
        message: Message = self.texts(purpose="check_in")[-1]
        assert message.state == "accepted"
        return message
