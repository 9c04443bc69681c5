"""The photo door: `/media/<signed token>`, for the provider, the helpdesk and agents' eyes.

The address is signed and short-lived; nothing is guessed from it. Photos come from strangers,
so they are served as what our own cleaning made of them, and never run as a page.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response

from app.foundation import audit
from app.foundation.jobs import Tools
from app.foundation.media import BadMediaToken, MediaGone, read_media_token
from app.messaging.models import Media


def blueprint(tools: Tools) -> Blueprint:
    door = Blueprint("media", __name__)

    @door.get("/media/<token>")
    def show(token: str) -> Response:
        try:
            grant = read_media_token(tools.keys.signing_keys, token, tools.clock.now())
        except BadMediaToken as error:
            return Response(f"{error}\n", 410 if error.reason == "expired" else 404)
        with tools.db.shop(grant.shop_id) as session:
            photo = session.scalars(
                sa.select(Media).where(Media.id == grant.media_id)
            ).one_or_none()
            if photo is not None and photo.storage_key is not None:
                audit.record_read(
                    session,
                    now=tools.clock.now(),
                    shop_id=grant.shop_id,
                    actor="holder of a signed address",
                    subject=f"message:{photo.message_id}",
                    what="photo",
                    media_id=photo.id,
                )
        if photo is None or photo.storage_key is None:
            return Response("This photo is no longer kept.\n", 404)
        try:
            content = tools.media.get(photo.storage_key)
        except MediaGone:
            return Response("This photo is no longer kept.\n", 404)
        return Response(
            content,
            content_type=photo.content_type,
            headers={
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Content-Disposition": "inline",
                "Cache-Control": "private, max-age=300",
            },
        )

    return door
