"""Texts as comments, and agents' rich comments as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.helpdesk.rich_text import to_text
from app.vendors.zendesk.rich_text import MOST_BYTES, to_html


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ('<div class="zd-comment" dir="auto">Hello<br>&nbsp;<br>Bye</div>', "Hello\n\nBye"),
        ("<p>Line\n   wrapped <b>in\nsource</b></p>", "Line wrapped in source"),
        ("<ul>\n<li>Mug</li>\n<li>Lid</li>\n</ul><p>Both</p>", "- Mug\n- Lid\n\nBoth"),
        (
            '<p>See <a href="https://acme.example/r">our page</a>.</p>',
            "See our page https://acme.example/r.",
        ),
        ('<a href="https://acme.example/">acme.example</a>', "acme.example"),
        ('<a href="mailto:a@acme.example">write us</a>', "write us"),
        ("<p>Fish &amp; chips &lt;3</p>", "Fish & chips <3"),
        ("<p>a\u200bb</p><script>x()</script><style>p{}</style>", "ab"),
        ("<pre>a\n  b</pre>", "a\nb"),
        (
            "<ol><li>Pack it</li><li>Label it<ul><li>on top</li></ul></li></ol>",
            "1. Pack it\n2. Label it\n- on top",
        ),
        (
            "<table><tr><th>Size</th><th>Chest</th></tr><tr><td>M</td><td>96</td></tr></table>",
            "Size Chest\nM 96",
        ),
        (
            '<p>Ta-da <img src="https://gifs.example/1.gif" alt=""></p>',
            "Ta-da https://gifs.example/1.gif",
        ),
        ('<img src="https://gifs.example/1.gif"><p>Hi</p>', "https://gifs.example/1.gif\nHi"),
        ('<p>See <img src="https://acme.example/file"></p>', "See"),
        ('<p>Here <img src="data:image/gif;base64,R0"></p>', "Here"),
        (
            '<p>How to: <a href="https://video.example/watch?v=1&amp;t=2">the film</a></p>',
            "How to: the film https://video.example/watch?v=1&t=2",
        ),
        ("Hi<div>there</div><div>you</div>", "Hi\nthere\nyou"),
        ("<p>\U0001f469\u200d\U0001f9b0 hi</p>", "\U0001f469\u200d\U0001f9b0 hi"),
        ("", ""),
        ("<p>unclosed <a href='https://x.example'>link", "unclosed link"),
    ],
)
def test_rich_text_becomes_what_one_would_type(source: str, text: str) -> None:
    assert to_text(source, ["https://acme.example/file"]) == text


def test_markup_in_a_text_stays_text() -> None:
    assert to_html(["<script>alert(1)</script>\n& done"]) == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;<br>&amp; done</p>"
    )


def test_very_long_texts_are_cut_below_the_vendors_limit() -> None:
    for character in ("a", "<", "📦"):
        written = to_html(["start", character * 200_000, "never"])
        assert len(written.encode()) <= MOST_BYTES
        assert written.endswith("…</p>")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zs", "Zl", "Zp"]))


@given(st.lists(WORDS.filter(bool), min_size=1, max_size=4))
def test_what_a_buyer_wrote_comes_back_unchanged(paragraphs: list[str]) -> None:
    assert to_text(to_html(paragraphs)) == "\n\n".join(paragraphs)


@given(st.text(max_size=300))
def test_any_html_is_read_without_an_error(source: str) -> None:
    assert to_text(source) == to_text(source).strip()
