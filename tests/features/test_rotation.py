"""Each secret is exchanged while work is under way: nothing is lost, and the old one opens nothing.

The steps are those of docs/how-to/rotate-secrets.md, in its order.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from app import cli
from app.foundation.crypto import KeyRing
from app.foundation.errors import Misconfigured
from app.foundation.inbox import Receipt
from app.foundation.media import sign_media_token
from app.foundation.outbox import OutboxRow
from app.helpdesk.models import HelpdeskAccount
from app.messaging.ports import SenderAccess
from app.rotate import SECRETS, Rotated, rotate_keys
from app.ticker import DUTIES
from tests.factories import payloads
from tests.factories.full_shop import OF_SHOPS
from tests.factories.staff import bearer, id_token, open_page
from tests.factories.world import (
    ACCOUNT,
    BUYER,
    LINE,
    PUBLIC_URL,
    SECRET,
    SERVICE,
    TOKEN,
    ShopAtHand,
    World,
)
from tests.factories.zendesk import connected, talking

NEW_SECRET = "shopify-secret-after-the-rotation"
ANOTHER = "+14155550143"  # whose texts end nobody's check-in
NEW_TOKEN = "auth-token-after-the-rotation"


def duty(world: World, name: str) -> None:
    [one] = [duty for duty in DUTIES if duty.name == name]
    one.run(world.ports, world.clock.now())
    world.settle(patient=True)


def test_encryption_keys_change_under_a_check_in_a_ticket_and_a_photo(world: World) -> None:
    desk = connected(world)
    world.order()
    world.deliver()
    world.settle()
    old = world.ports.settings.encryption_keys.get_secret_value()
    photo_key = world.ports.media.put(desk.shop.id, b"picture")
    desk.text("see this", sender=ANOTHER)
    world.execute(
        "INSERT INTO media (shop_id, message_id, ordinal, state, storage_key, content_type)"
        " SELECT shop_id, id, 0, 'stored', :key, 'image/jpeg' FROM messages",
        key=photo_key,
    )
    handed_out = sign_media_token(
        [world.ports.keys.signing_key],
        world.scalar("SELECT id FROM media"),
        desk.shop.id,
        world.clock.now() + timedelta(minutes=30),
    )

    new = Fernet.generate_key().decode()
    for ring in (f"{old},{new}", f"{new},{old}"):  # first everybody can read it, then it writes
        world.redeploy(encryption_keys=SecretStr(ring))
        world.settle()
        assert world.client.get(f"/media/{handed_out}").status_code == 200
    assert desk.said() or desk.notes(), "the text waiting for its ticket got there"

    rotated = rotate_keys(world.db, world.ports.keys)
    assert rotated == Rotated(written=2 + 1 + 3, busy=0)
    world.redeploy(encryption_keys=SecretStr(new))
    assert not still_under(world, old)
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.sent()) == 1, "the check-in that was in the diary leaves under the new key"
    desk.text("and this", sender=ANOTHER)
    world.settle()
    assert world.all(OutboxRow) == []
    assert world.client.get(f"/media/{handed_out}").status_code == 404
    with pytest.raises(Misconfigured):
        KeyRing(old).decrypt(world.scalar("SELECT auth_token FROM senders"))


def still_under(world: World, key: str) -> list[str]:
    """Columns, of any table, that hold something which the old key opens."""
    found, ring = [], KeyRing(key)
    listed = {(model.__tablename__, column) for model, columns in SECRETS for column in columns}
    with world.db.across_shops("test: what is encrypted") as session:
        for table in OF_SHOPS:
            for row in session.sql(f"SELECT to_jsonb(t) AS row FROM {table} t"):
                for column, value in row.row.items():
                    if not isinstance(value, str) or not value.startswith("gAAAA"):
                        continue
                    assert (table, column) in listed, f"{table}.{column} is not in app/rotate.py"
                    try:
                        ring.decrypt(value)
                    except Misconfigured:
                        continue
                    found.append(f"{table}.{column}")
    return found


def test_keys_change_while_a_pair_is_being_refreshed_and_the_new_pair_is_kept(
    world: World,
) -> None:
    desk = talking(world)
    new = Fernet.generate_key().decode()
    ring = f"{new},{world.ports.settings.encryption_keys.get_secret_value()}"
    world.redeploy(encryption_keys=SecretStr(ring))
    seen: list[Rotated] = []
    refresh = world.authorisation.refresh

    def refresh_slowly(**what: str):  # type: ignore[no-untyped-def]
        tokens = refresh(**what)  # the old pair is dead now, the new one is in nobody's hands yet
        seen.append(rotate_keys(world.db, world.ports.keys))
        return tokens

    world.authorisation.refresh = refresh_slowly  # type: ignore[method-assign]
    world.clock.advance(hours=1)
    desk.text("still there?")
    world.settle()
    assert seen
    assert seen[0].busy == 1
    world.clock.advance(hours=1)
    world.authorisation.refresh = refresh  # type: ignore[method-assign]
    desk.text("and now?")
    world.settle(patient=True)
    [account] = world.all(HelpdeskAccount)
    assert account.state == "connected"
    assert any("and now?" in text for text in desk.said())
    assert rotate_keys(world.db, world.ports.keys).busy == 0


def test_shopifys_secret_changes_under_webhooks_and_open_pages(world: World) -> None:
    world.shop()
    open_page(world)
    assert world.order().status_code == 200  # stored, not worked yet
    world.redeploy(
        shopify_api_secret=SecretStr(NEW_SECRET), shopify_api_secret_previous=SecretStr(SECRET)
    )
    order = payloads.order_payload(6001, updated_at=world.clock.now() - timedelta(days=3))
    for number, secret in enumerate((SECRET, NEW_SECRET)):
        assert world.shopify("orders/create", order | {"id": number}, secret=secret).status_code
        token = bearer(id_token(world, secret=secret))
        assert world.client.get("/api/staff", headers=token).status_code == 200, secret
        query = {"id_token": id_token(world, secret=secret)}
        assert world.client.get("/", query_string=query).status_code == 200
    world.settle()
    assert {r.state for r in world.all(Receipt)} == {"done"}
    assert len(world.all(Receipt)) == 3

    world.redeploy(shopify_api_secret_previous=None)
    assert world.shopify("orders/create", order, secret=SECRET).status_code == 401
    assert world.shopify("orders/create", order, secret=NEW_SECRET).status_code == 200
    old = bearer(id_token(world, secret=SECRET))
    assert world.client.get("/api/staff", headers=old).status_code == 401


def text_signed_with(world: World, shop: ShopAtHand, token: str, body: str) -> TestResponse:
    form = payloads.inbound_form(
        body, sid=f"SM{abs(hash(body)):032x}"[:34], account_sid=ACCOUNT, from_phone=BUYER,
        to_phone=shop.line,
    )  # fmt: skip
    path = f"/webhooks/twilio/{shop.door_key}/inbound"
    return world.client.post(
        path,
        data=payloads.encode(form),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": RequestValidator(token).compute_signature(
                PUBLIC_URL + path, dict(form)
            ),
        },
    )


def test_twilios_auth_token_changes_under_a_waiting_check_in_and_a_text(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    assert text_signed_with(world, shop, TOKEN, "before").status_code == 200
    world.settle()
    # Twilio has promoted the new token, and we do not know it yet: the text is refused, not lost.
    assert text_signed_with(world, shop, NEW_TOKEN, "between").status_code == 403
    world.sms.receive(
        SenderAccess(1, ACCOUNT, NEW_TOKEN, phone=LINE), from_phone=BUYER, body="between"
    )

    monkeypatch.setenv("NEW_TWILIO_TOKEN", NEW_TOKEN)
    args = cli.parser().parse_args(
        ["connect-number", "--shop", shop.domain, "--account-sid", ACCOUNT, "--auth-token-env",
         "NEW_TWILIO_TOKEN", "--messaging-service-sid", SERVICE, "--phone", LINE, "--kind",
         "toll_free"]
    )  # fmt: skip
    args.run(world.ports, args)
    urls = json.loads(capsys.readouterr().out)
    assert shop.door_key in urls["inbound"], "the addresses entered at Twilio stay"
    # At once, though the process still remembered the old one.
    assert text_signed_with(world, shop, NEW_TOKEN, "after").status_code == 200
    assert text_signed_with(world, shop, TOKEN, "forged").status_code == 403
    world.execute("UPDATE senders SET backfilled_at = :at", at=world.clock.now())
    world.clock.advance(minutes=6)
    duty(world, "backfills")
    assert {t.body for t in world.texts(direction="in")} == {"before", "between", "after"}
    stored = world.scalar("SELECT auth_token FROM senders")
    assert world.ports.keys.decrypt(stored) == NEW_TOKEN


def test_zendesks_client_secret_changes_and_a_reply_waits_for_it(world: World) -> None:
    desk = talking(world)
    world.clock.advance(hours=1)  # our access token is over: the next call has to refresh it
    # The old secret is revoked already; this is what the adapter says of invalid_client.
    world.authorisation.fail_next(Misconfigured("Zendesk knows no such client"))  # type: ignore[arg-type]
    desk.text("is anybody there?")
    world.settle()
    assert "is anybody there?" not in desk.said()
    [account] = world.all(HelpdeskAccount)
    assert account.state == "connected", "a wrong secret of ours must not disconnect a shop"
    world.redeploy(zendesk_client_secret=SecretStr("the-new-one"))
    world.execute("UPDATE helpdesk_accounts SET refreshing_until = NULL")  # its lease runs out
    world.settle(patient=True)
    assert any("is anybody there?" in text for text in desk.said())


def test_metrics_token_changes_with_a_restart(world: World) -> None:
    def scrape(token: str) -> int:
        return world.client.get("/metrics", headers=bearer(token)).status_code

    assert (scrape("metrics-of-tests"), scrape("the-new-one")) == (200, 401)
    world.redeploy(metrics_token=SecretStr("the-new-one"))
    assert (scrape("metrics-of-tests"), scrape("the-new-one")) == (401, 200)
    world.redeploy(metrics_token=None)
    assert (scrape(""), scrape("None")) == (401, 401)
