"""Everything that differs between installations, read once from the environment.

Frozen and typed, grouped by vendor. `load()` names every missing or refused variable at once.
`.env.example` lists the same names; a house test holds the two together.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from app.foundation.errors import Misconfigured

SHOPIFY_BASE_URL = "https://{shop}"
ZENDESK_BASE_URL = "https://{subdomain}.zendesk.com"
GORGIAS_BASE_URL = "https://{subdomain}.gorgias.com"


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True)

    # This installation
    doorstep_env: Literal["production", "development", "test"] = "production"
    public_url: str  # where the world reaches our doors, without a trailing slash
    trusted_proxies: int = Field(0, ge=0)  # proxies in front of web that add X-Forwarded-For
    database_url: SecretStr  # as role doorstep_app, which cannot bypass row-level security
    redis_url: SecretStr
    encryption_keys: SecretStr  # Fernet keys, comma-separated; the first encrypts
    metrics_token: SecretStr | None = None  # bearer token of /metrics; unset closes it
    sentry_dsn: SecretStr | None = None
    media_path: Path = Path("media")  # folder of buyers' photos
    # A bucket instead of the folder, once MEDIA_S3_BUCKET is set
    media_s3_endpoint: str | None = None  # unset: Amazon's own
    media_s3_bucket: str | None = None
    media_s3_region: str = "us-east-1"
    media_s3_key: str | None = None
    media_s3_secret: SecretStr | None = None
    anchor_path: Path = Path("anchors")  # folder of the chains' heads, best on other storage
    desk_path: Path = Path("frontend/dist/desk")  # the built page for agents
    # US dollars for one segment, with the carriers' fee, as agents are shown it; unset: no price
    segment_price: Decimal | None = Field(None, gt=0)
    worker_processes: int = 2
    # Jobs that one worker process runs side by side; see the threads of `messaging.send`.
    worker_threads: int = Field(8, ge=1, le=32)
    sandbox_clock_path: Path | None = None

    # Shopify
    shopify_api_key: str
    shopify_api_secret: SecretStr
    shopify_api_secret_previous: SecretStr | None = None  # while a rotation settles
    shopify_base_url: str = SHOPIFY_BASE_URL

    # Twilio: accounts belong to shops and live encrypted in the database
    twilio_base_url: str | None = None

    # Zendesk: one global OAuth client for all shops
    zendesk_client_id: str | None = None
    zendesk_client_secret: SecretStr | None = None
    zendesk_base_url: str = ZENDESK_BASE_URL
    zendesk_organization_id: str = ""  # sent as marketplace headers
    zendesk_app_id: str = ""
    # Of the app in the ticket's sidebar: a PEM, or JSON of PEMs by installation or subdomain
    zendesk_app_public_key: str | None = None
    zendesk_qsh: Literal["query", "canonical", "unchecked"] = "query"  # see ADR 0029

    # Gorgias: one OAuth app for all shops
    gorgias_client_id: str | None = None
    gorgias_client_secret: SecretStr | None = None
    gorgias_base_url: str = GORGIAS_BASE_URL

    @model_validator(mode="after")
    def _bucket_can_be_entered(self) -> Settings:
        if self.media_s3_bucket and not (self.media_s3_key and self.media_s3_secret):
            raise ValueError("MEDIA_S3_KEY and MEDIA_S3_SECRET go with MEDIA_S3_BUCKET")
        return self

    @model_validator(mode="after")
    def _production_reaches_the_real_vendors(self) -> Settings:
        if self.doorstep_env != "production":
            return self
        overridden = [
            name
            for name, changed in (
                ("SHOPIFY_BASE_URL", self.shopify_base_url != SHOPIFY_BASE_URL),
                ("TWILIO_BASE_URL", self.twilio_base_url is not None),
                ("ZENDESK_BASE_URL", self.zendesk_base_url != ZENDESK_BASE_URL),
                ("GORGIAS_BASE_URL", self.gorgias_base_url != GORGIAS_BASE_URL),
                ("SANDBOX_CLOCK_PATH", self.sandbox_clock_path is not None),
            )
            if changed
        ]
        if overridden:
            raise ValueError(
                f"{', '.join(overridden)} must not be set while DOORSTEP_ENV=production"
            )
        if self.zendesk_client_id and not (self.zendesk_organization_id and self.zendesk_app_id):
            raise ValueError(
                "ZENDESK_ORGANIZATION_ID and ZENDESK_APP_ID go with ZENDESK_CLIENT_ID: Zendesk"
                " refuses calls without the marketplace headers made of them"
            )
        if not self.public_url.startswith("https://"):
            raise ValueError("PUBLIC_URL must start with https:// while DOORSTEP_ENV=production")
        return self

    @property
    def shopify_secrets(self) -> tuple[str, ...]:
        """Current secret first, then the one before it, if a rotation is under way."""
        secrets = [self.shopify_api_secret.get_secret_value()]
        if self.shopify_api_secret_previous:
            secrets.append(self.shopify_api_secret_previous.get_secret_value())
        return tuple(secrets)


def load() -> Settings:
    """Settings from the environment. Raises Misconfigured naming every fault and its remedy."""
    try:
        names = ((name, os.environ.get(name.upper())) for name in Settings.model_fields)
        return Settings.model_validate({name: value for name, value in names if value})
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']).upper() or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        ]
        raise Misconfigured(
            "Settings are incomplete:\n  "
            + "\n  ".join(faults)
            + "\nSet them in the environment; .env.example explains each."
        ) from None
