"""The packet as one page that can be read, printed and kept: no script, no other file.

Called by the API and by `doorstep proof`. Other people's numbers in what was written are masked;
the JSON beside it has every word as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.foundation.phone import mask
from app.proof.plain_words import moment

TEMPLATES = Path(__file__).parent.parent / "templates"
_NUMBER = re.compile(r"(?<![\w#])\+?\d(?:[\s().-]{0,2}\d){9,14}(?!\w)")


def render_packet(packet: Mapping[str, Any]) -> str:
    """HTML, whole."""
    own = re.sub(r"\D", "", packet["phone"])

    def hide_numbers(text: object) -> str:
        def hide(found: re.Match[str]) -> str:
            digits = re.sub(r"\D", "", found[0])
            return found[0] if digits and own.endswith(digits) else mask(digits)

        return _NUMBER.sub(hide, str(text))

    page = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters.update(moment=moment, hide_numbers=hide_numbers)
    return page.get_template("proof.html").render(packet)
