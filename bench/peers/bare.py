"""The yardstick: the least that an honest webhook door in Flask can do.

The HMAC of the raw body is checked in constant time, one row is inserted and committed, 200 is
answered. One statement, one round trip, a pool of connections, no framework of its own: what is
slower than this is ours, what is as fast is Flask's, gunicorn's and psycopg's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from flask import Flask, Response, request
from psycopg_pool import ConnectionPool

SECRET = os.environ["BARE_SECRET"].encode()
INSERT = "INSERT INTO received (delivery_id, topic, shop, body) VALUES (%s, %s, %s, %s)"

pool = ConnectionPool(
    os.environ["BARE_DATABASE_URL"],
    min_size=16,
    max_size=16,
    kwargs={"autocommit": True},
    open=False,
)
app = Flask(__name__)


@app.post("/webhook")
def receive() -> Response:
    body = request.get_data(cache=False)
    wanted = base64.b64encode(hmac.digest(SECRET, body, hashlib.sha256))
    given = request.headers.get("X-Shopify-Hmac-Sha256", "").encode()
    if not hmac.compare_digest(wanted, given):
        return Response(status=401)
    pool.open()  # at the first request, for a pool does not survive a fork
    with pool.connection() as connection:
        connection.execute(
            INSERT,
            (
                request.headers["X-Shopify-Webhook-Id"],
                request.headers["X-Shopify-Topic"],
                request.headers["X-Shopify-Shop-Domain"],
                body,
            ),
        )
    return Response(status=200)
