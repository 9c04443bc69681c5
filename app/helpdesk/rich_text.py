"""An agent's rich text as a plain one.

Called by the adapters whose helpdesk gives HTML. It is flattened by ourselves and not taken from a
plain form of theirs, which drops the addresses behind links and pictures; a buyer who gets a text
needs them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html.parser import HTMLParser

_LINE_ENDS = frozenset({"div", "li", "ul", "ol", "blockquote", "pre", "tr", "h1", "h2", "h3", "h4"})
_SILENT = frozenset({"script", "style"})
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")  # not the joiners: emoji need them


def to_text(source: str, attached: Collection[str] = ()) -> str:
    """As somebody would type it: paragraphs, dashes or numbers for lists, links and pictures with
    their addresses. `attached`: addresses of files, which go to the buyer as pictures."""
    parser = _Flattener(attached)
    parser.feed(source)
    parser.close()
    text = _INVISIBLE.sub("", "".join(parser.out)).replace("\u00a0", " ")
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Flattener(HTMLParser):
    def __init__(self, attached: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._attached = frozenset(attached)
        self._lists: list[int | None] = []  # the last number of each list around; None: dashes
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
            self.out.append(self._item())
        elif tag in ("td", "th"):
            if self.out and not self.out[-1].endswith(("\n", " ")):
                self.out.append(" ")
        elif tag == "img":
            self._picture(dict(attrs).get("src") or "")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.out)))
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        if tag == "p" or tag in _LINE_ENDS - {"li"}:
            self._begin_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        elif tag == "a" and self._links:
            self._end_link()
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
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

    def _item(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number + 1}. "

    def _picture(self, address: str) -> None:
        """One that only stands in the text, as from a picker of GIFs: the buyer gets its link."""
        if address.startswith("https://") and address not in self._attached:
            self.out.append(
                address if not self.out or self.out[-1][-1:].isspace() else f" {address}"
            )

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
