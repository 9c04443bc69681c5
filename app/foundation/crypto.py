"""Secrets of shops at rest: a ring of Fernet keys.

The first key encrypts, all decrypt: put a new key in front, run `rotate` over the rows
(`app.cli rotate-keys`), then drop the old one.
"""

from __future__ import annotations

import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.foundation.errors import Misconfigured


class KeyRing:
    def __init__(self, keys: str) -> None:
        """`keys`: Fernet keys, comma-separated. Raises Misconfigured on a bad one."""
        parts = [key.strip() for key in keys.split(",") if key.strip()]
        try:
            self._fernet = MultiFernet([Fernet(key) for key in parts])
        except ValueError as error:
            raise Misconfigured(
                "ENCRYPTION_KEYS must be Fernet keys (32 url-safe base64 bytes), comma-separated;"
                " make one with: python -m app.cli make-key"
            ) from error
        # For what we sign and get back: the first signs, all are believed.
        self.signing_keys = [
            hashlib.sha256(b"doorstep signing:" + key.encode()).hexdigest() for key in parts
        ]
        self.signing_key = self.signing_keys[0]

    def encrypt(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises Misconfigured when no key of the ring fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise Misconfigured(
                "A stored secret cannot be read: ENCRYPTION_KEYS lacks the key that wrote it."
            ) from error

    def rotate(self, token: str) -> str:
        """The same secret under the first key of the ring."""
        return self._fernet.rotate(token.encode()).decode()
