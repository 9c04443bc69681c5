"""Where the sandbox listens, where Doorstep's doors are, and the demo shop's names.

Read once by `python -m sandbox` and `python -m sandbox.setup`; tests build `Settings` by hand.
The secrets are invented and fit only the emulators of this program.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """All of it; the defaults are those of `make run`."""

    host: str = "127.0.0.1"
    port: int = 8090
    url: str = "http://127.0.0.1:8090"  # how Doorstep and the browser reach the sandbox
    app_url: str = "http://127.0.0.1:8080"  # Doorstep's own doors (PUBLIC_URL)
    clock_path: Path = Path(".doorstep/clock")
    state_path: Path | None = None  # folder of snapshots; None keeps everything in memory only
    shop_domain: str = "acme-outfitters.myshopify.com"
    shopify_api_key: str = "doorstep-sandbox-key"
    shopify_api_secret: str = field(default="doorstep-sandbox-secret", repr=False)
    zendesk_subdomain: str = "acme-outfitters"
    zendesk_client_id: str = "doorstep-sandbox"
    zendesk_client_secret: str = field(default="doorstep-sandbox-zendesk-secret", repr=False)
    gorgias_subdomain: str = "acme-outfitters"
    gorgias_client_id: str = "doorstep-sandbox"
    gorgias_client_secret: str = field(default="doorstep-sandbox-gorgias-secret", repr=False)
    helpdesk: str = "zendesk"  # which of the two the demo shop uses: zendesk or gorgias
    zendesk_app_key: str | None = field(default=None, repr=False)  # PEM; None makes one
    twilio_account_sid: str = "AC0123456789abcdef0123456789abcdef"
    twilio_auth_token: str = field(default="doorstep-fake-auth-token-0123456789", repr=False)
    twilio_service_sid: str = "MG0123456789abcdef0123456789abcdef"
    twilio_phone: str = "+18885550188"

    @property
    def helpdesk_account(self) -> str:
        """The demo shop's account at its helpdesk."""
        return self.gorgias_subdomain if self.helpdesk == "gorgias" else self.zendesk_subdomain


def from_environ(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment; anything absent keeps its default."""
    host = environ.get("SANDBOX_HOST", "127.0.0.1")
    port = int(environ.get("SANDBOX_PORT", "8090"))
    plain = Settings()
    return Settings(
        host=host,
        port=port,
        url=environ.get("SANDBOX_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        app_url=environ.get("PUBLIC_URL", plain.app_url).rstrip("/"),
        clock_path=Path(environ.get("SANDBOX_CLOCK_PATH") or plain.clock_path),
        state_path=Path(environ["SANDBOX_STATE_PATH"])
        if environ.get("SANDBOX_STATE_PATH")
        else None,
        shop_domain=environ.get("SANDBOX_SHOP", plain.shop_domain),
        shopify_api_key=environ.get("SHOPIFY_API_KEY") or plain.shopify_api_key,
        shopify_api_secret=environ.get("SHOPIFY_API_SECRET") or plain.shopify_api_secret,
        zendesk_subdomain=environ.get("SANDBOX_ZENDESK", plain.zendesk_subdomain),
        zendesk_client_id=environ.get("ZENDESK_CLIENT_ID") or plain.zendesk_client_id,
        zendesk_client_secret=environ.get("ZENDESK_CLIENT_SECRET") or plain.zendesk_client_secret,
        gorgias_subdomain=environ.get("SANDBOX_GORGIAS", plain.gorgias_subdomain),
        gorgias_client_id=environ.get("GORGIAS_CLIENT_ID") or plain.gorgias_client_id,
        gorgias_client_secret=environ.get("GORGIAS_CLIENT_SECRET") or plain.gorgias_client_secret,
        helpdesk=environ.get("SANDBOX_HELPDESK") or plain.helpdesk,
        zendesk_app_key=environ.get("SANDBOX_ZENDESK_APP_KEY", "").replace("\\n", "\n") or None,
    )
