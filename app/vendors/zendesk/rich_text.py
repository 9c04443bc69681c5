"""Texts as Zendesk's HTML, and Zendesk's HTML as texts.

Called by `helpdesk`. Comments are written as `html_body`, for plain `body` loses newlines and is
read as Markdown. What an agent wrote is flattened by ourselves and not taken from `plain_body`,
which drops the addresses behind links; a buyer who gets a text needs them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from html.parser import HTMLParser

# The vendor cuts a comment at 64 kB without a word; we never write near it.
MOST_BYTES = 60_000

_LINE_ENDS = frozenset({"div", "li", "ul", "ol", "blockquote", "pre", "tr", "h1", "h2", "h3", "h4"})
_SILENT = frozenset({"script", "style"})
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")  # not the joiners: emoji need them


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


def to_text(source: str) -> str:
    """The same as somebody would type it: paragraphs, dashes for lists, links with addresses."""
    parser = _Flattener()
    parser.feed(source)
    parser.close()
    text = _INVISIBLE.sub("", "".join(parser.out)).replace("\u00a0", " ")
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Flattener(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._silent = 0
        self._verbatim = 0
        self._links: list[tuple[str, int]] = []  # address, where its label begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.out.append("\n")
        elif tag == "pre":
            self._verbatim += 1
        elif tag == "li":
            self._begin_line()
            self.out.append("- ")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.out)))
        if tag == "p" or tag in _LINE_ENDS - {"li"}:
            self._begin_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        elif tag == "a" and self._links:
            self._end_link()
        if tag == "p":
            self.out.append("\n\n")
        elif tag in _LINE_ENDS:
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._verbatim:
            self.out.append(data)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        if text == " " and (not self.out or self.out[-1].endswith("\n")):
            return
        self.out.append(text)

    def _begin_line(self) -> None:
        if self.out and not self.out[-1].endswith("\n"):
            self.out.append("\n")

    def _end_link(self) -> None:
        address, begin = self._links.pop()
        label = "".join(self.out[begin:]).strip()
        if not address.startswith(("http://", "https://")):
            return
        bare = re.sub(r"^https?://|/$", "", address)
        if not label:
            self.out.append(address)
        elif re.sub(r"^https?://|/$", "", label) != bare:
            self.out.append(f" {address}")
