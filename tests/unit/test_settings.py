"""Production refuses what only a sandbox needs: no setting points it at a false vendor."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import Settings

WHOLE: dict[str, Any] = {
    "doorstep_env": "production",
    "public_url": "https://doorstep.example",
    "database_url": "postgresql://x",
    "redis_url": "redis://x",
    "encryption_keys": "x",
    "shopify_api_key": "x",
    "shopify_api_secret": "x",
}


def test_production_takes_the_real_vendors() -> None:
    assert Settings(**WHOLE).trusted_proxies == 0


@pytest.mark.parametrize(
    "change",
    [
        {"shopify_base_url": "https://evil.example"},
        {"twilio_base_url": "https://evil.example"},
        {"zendesk_base_url": "https://evil.example"},
        {"gorgias_base_url": "https://evil.example"},
        {"sandbox_clock_path": "/tmp/clock"},
        {"public_url": "http://doorstep.example"},
        {"trusted_proxies": -1},
    ],
)
def test_production_refuses_other_vendors_and_what_would_weaken_it(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**WHOLE | change)
