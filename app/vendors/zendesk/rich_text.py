"""Texts as Zendesk's HTML.

Called by `helpdesk`. Comments are written as `html_body`, for plain `body` loses newlines and is
read as Markdown. The way back is `app.helpdesk.rich_text`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

# The vendor cuts a comment at 64 kB without a word; we never write near it.
MOST_BYTES = 60_000


def to_html(paragraphs: Iterable[str]) -> str:
    """One `<p>` for each, line breaks kept, everything escaped, cut below the vendor's limit."""
    written: list[str] = []
    room = MOST_BYTES
    for paragraph in paragraphs:
        one = _paragraph(paragraph)
        if len(one.encode()) > room:
            # Escaping multiplies a character by six bytes at most.
            cut = paragraph.encode()[: max(0, room // 6 - 20)].decode(errors="ignore")
            written.append(_paragraph(f"{cut}…"))
            break
        written.append(one)
        room -= len(one.encode())
    return "".join(written)


def _paragraph(text: str) -> str:
    lines = html.escape(text.strip(), quote=False).replace("\r\n", "\n").split("\n")
    return f"<p>{'<br>'.join(lines)}</p>"
