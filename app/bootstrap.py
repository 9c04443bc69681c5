"""The composition root: Settings -> adapters -> Ports. Nothing else constructs an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.foundation.bell import RedisBell
from app.foundation.clock import Clock, ShiftedClock, SystemClock
from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.foundation.events import Reactions
from app.foundation.media import DiskMediaStore, MediaStore
from app.helpdesk.ports import Helpdesk, HelpdeskAuthorisation
from app.messaging.ports import SmsProvider
from app.orders.ports import Commerce
from app.proof.anchor_folder import AnchorFolder
from app.proof.ports import Anchors
from app.settings import Settings
from app.shops.ports import IdTokens, TokenSource
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.gorgias.oauth import GorgiasAuthorisation
from app.vendors.shopify.client import ShopifyClient
from app.vendors.shopify.commerce import ShopifyCommerce
from app.vendors.shopify.oauth import ShopifyTokenSource
from app.vendors.shopify.session_token import ShopifyIdTokens
from app.vendors.twilio.codes import look_up
from app.vendors.twilio.provider import TwilioProvider
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.oauth import ZendeskAuthorisation


@dataclass(frozen=True)
class Ports:
    """Everything a job or door may reach. Built once per process."""

    settings: Settings
    db: Database
    clock: Clock
    keys: KeyRing
    media: MediaStore
    anchors: Anchors
    sms: SmsProvider
    commerce: Commerce
    tokens: TokenSource
    id_tokens: IdTokens
    helpdesks: Mapping[str, Helpdesk]
    helpdesk_authorisations: Mapping[str, HelpdeskAuthorisation]

    @property
    def public_url(self) -> str:
        return self.settings.public_url

    def explain_code(self, code: str) -> tuple[str, str]:
        """Cause and remedy of a texting provider's error code, in a merchant's words."""
        row = look_up(code)
        return row.cause, row.remedy

    def close(self) -> None:
        self.db.close()


def build(settings: Settings, reactions: Reactions) -> Ports:
    """Adapters for these settings. Raises Misconfigured."""
    clock: Clock = (
        ShiftedClock(settings.sandbox_clock_path) if settings.sandbox_clock_path else SystemClock()
    )
    zendesk = ZendeskClient(
        base_url=settings.zendesk_base_url,
        app=MarketplaceApp(
            organization_id=settings.zendesk_organization_id, app_id=settings.zendesk_app_id
        ),
        clock=clock,
    )
    authorisations: dict[str, HelpdeskAuthorisation] = {}
    if settings.zendesk_client_id and settings.zendesk_client_secret:
        authorisations["zendesk"] = ZendeskAuthorisation(
            zendesk,
            client_id=settings.zendesk_client_id,
            client_secret=settings.zendesk_client_secret.get_secret_value(),
            redirect_uri=f"{settings.public_url}/connect/zendesk/callback",
            clock=clock,
        )
    gorgias = GorgiasClient(base_url=settings.gorgias_base_url, clock=clock)
    if settings.gorgias_client_id and settings.gorgias_client_secret:
        authorisations["gorgias"] = GorgiasAuthorisation(
            gorgias,
            client_id=settings.gorgias_client_id,
            client_secret=settings.gorgias_client_secret.get_secret_value(),
            redirect_uri=f"{settings.public_url}/connect/gorgias/callback",
            clock=clock,
        )
    return Ports(
        settings=settings,
        db=Database(
            settings.database_url.get_secret_value(),
            reactions=reactions,
            doorbell=RedisBell(settings.redis_url.get_secret_value()),
        ),
        clock=clock,
        keys=KeyRing(settings.encryption_keys.get_secret_value()),
        media=media_store(settings),
        anchors=AnchorFolder(settings.anchor_path),
        sms=TwilioProvider(base_url=settings.twilio_base_url, public_url=settings.public_url),
        commerce=ShopifyCommerce(ShopifyClient(base_url=settings.shopify_base_url)),
        tokens=ShopifyTokenSource(
            base_url=settings.shopify_base_url,
            api_key=settings.shopify_api_key,
            api_secret=settings.shopify_secrets[0],
        ),
        id_tokens=ShopifyIdTokens(settings.shopify_api_key, settings.shopify_secrets),
        helpdesks={
            "zendesk": ZendeskHelpdesk(zendesk),
            "gorgias": GorgiasHelpdesk(gorgias, clock),
        },
        helpdesk_authorisations=authorisations,
    )


def media_store(settings: Settings) -> MediaStore:
    """The bucket where one is set, else the folder."""
    if not settings.media_s3_bucket:
        return DiskMediaStore(settings.media_path)
    # Imported here: an installation with a folder does without the client.
    from app.vendors.s3.store import S3MediaStore

    assert settings.media_s3_key and settings.media_s3_secret
    return S3MediaStore(
        endpoint=settings.media_s3_endpoint,
        bucket=settings.media_s3_bucket,
        region=settings.media_s3_region,
        key=settings.media_s3_key,
        secret=settings.media_s3_secret.get_secret_value(),
    )
