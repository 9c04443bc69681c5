"""The family of errors; concrete classes sit beside whoever raises them.

Refused         anticipated: the answer is no, and we can say why
VendorFailure   somebody else's server
  Temporary       it certainly did not happen; the same call may be made again
  Permanent       it certainly did not happen and never will as asked
  Unknowable      it may have happened: never repeated blindly
Misconfigured   this installation lacks something; names it and the remedy

`app/web.py` maps them to HTTP, `app/relay.py` to retry.
"""

from __future__ import annotations


class DoorstepError(Exception):
    """Base of all errors that Doorstep raises on purpose."""


class Refused(DoorstepError):
    """The answer is no. `reason` is a stable code, the text is for people."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(text or reason)
        self.reason = reason


class VendorFailure(DoorstepError):
    """A vendor did not do what was asked. `code` is the vendor's own."""

    def __init__(self, vendor: str, text: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(f"{vendor}: {text}")
        self.vendor = vendor
        self.code = code
        self.status = status


class Temporary(VendorFailure):
    """Certainly not done; may be asked again after `retry_after` seconds."""

    def __init__(
        self,
        vendor: str,
        text: str,
        *,
        code: str = "",
        status: int = 0,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(vendor, text, code=code, status=status)
        self.retry_after = retry_after


class Permanent(VendorFailure):
    """Certainly not done, and asking again changes nothing."""


class Unknowable(VendorFailure):
    """Sent, and no answer came back: done or not, we cannot tell."""


class Misconfigured(DoorstepError):
    """This installation lacks something; the text names it and the remedy."""
