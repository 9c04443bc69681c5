"""Comments as HTML and as text, the way Zendesk keeps both.

Called by `tickets` and `desk`. HTML from the API is cut to a short list of tags before it is
kept, so that the sandbox page may show it as it is.
"""

from __future__ import annotations

import html
from html.parser import HTMLParser

_KEPT = frozenset(
    [
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "u",
        "ul",
    ]
)
_VOID = frozenset({"br", "img"})
_BLOCKS = frozenset({"p", "div", "li", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3"})
_DROPPED_WITH_CONTENT = frozenset({"script", "style"})


class _Sanitiser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._muted += 1
        if tag not in _KEPT or self._muted:
            return
        kept = "".join(
            f' {name}="{html.escape(value)}"'
            for name, value in attrs
            if name in {"href", "src", "alt"}
            and value
            and (name == "alt" or value.startswith(("https://", "http://", "mailto:", "/")))
        )
        self.out.append(f"<{tag}{kept}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._muted = max(0, self._muted - 1)
        elif tag in _KEPT and tag not in _VOID and not self._muted:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._muted:
            self.out.append(html.escape(data, quote=False))


class _Flattener(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.out.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.out.append("\n\n" if tag == "p" else "\n")

    def handle_data(self, data: str) -> None:
        self.out.append(data)


def sanitise(source: str) -> str:
    """HTML with nothing in it that could run."""
    parser = _Sanitiser()
    parser.feed(source)
    parser.close()
    return "".join(parser.out)


def to_text(source: str) -> str:
    """What `body` and `plain_body` say for this HTML."""
    parser = _Flattener()
    parser.feed(source)
    parser.close()
    return "".join(parser.out).strip()


def from_text(text: str) -> str:
    """An agent's typing as HTML: a blank line parts paragraphs, a newline breaks the line."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return "".join(
        "<p>" + html.escape(part.strip(), quote=False).replace("\n", "<br>") + "</p>"
        for part in paragraphs
    )
