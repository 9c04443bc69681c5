"""Variables of saved replies: refused when unknown, filled where known, named where missing."""

from __future__ import annotations

import pytest

from app.desk.saved.fill import VARIABLES, Bought, Filled, fault_of, fill, values_of

KNOWN = {
    "first_name": "Maya", "shop": "Acme", "order": "#1042", "item": "Trail Jacket", "size": "M"
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "filled", "missing"),
    [
        ("No variable.", "No variable.", ()),
        ("Hi {{first_name}}!", "Hi Maya!", ()),
        ("{{shop}}: {{order}}, {{item}} in {{size}}", "Acme: #1042, Trail Jacket in M", ()),
        ("{{ item }} and {{item}}", "Trail Jacket and Trail Jacket", ()),
        ("Two\n\nlines  here", "Two\n\nlines here", ()),
    ],
)
def test_known_variables_are_filled_in(text: str, filled: str, missing: tuple[str, ...]) -> None:
    assert fill(text, KNOWN) == Filled(filled, missing)


@pytest.mark.parametrize("name", VARIABLES)
def test_missing_variable_is_left_out_and_named_once(name: str) -> None:
    values = KNOWN | {name: ""}
    assert fill(f"A {{{{{name}}}}}, and {{{{ {name} }}}} b.", values) == Filled(
        "A, and b.", (name,)
    )


def test_values_that_hold_braces_are_no_variables() -> None:
    values = values_of(first_name="{{shop}}", shop="Acme", order=None, bought=[])
    assert "{" not in fill("Hi {{first_name}}", values).text


@pytest.mark.parametrize("text", ["{{name}}", "{{}}", "{{first_name", "}}", "{x}", "{{{item}}}"])
def test_broken_or_unknown_variables_are_a_fault(text: str) -> None:
    assert fault_of(text)


def test_good_text_has_no_fault() -> None:
    assert fault_of(" ".join(f"{{{{ {name} }}}}" for name in VARIABLES)) is None


def test_strangers_words_are_defused() -> None:
    values = values_of(
        first_name="http://evil.example",
        shop="acme.com",
        order="#1",
        bought=[Bought("www.x.io", None)],
    )
    assert values == {"first_name": "", "shop": "acme", "order": "#1", "item": "", "size": ""}


@pytest.mark.parametrize(
    ("bought", "item", "size"),
    [
        ([], "", ""),
        ([Bought("Jacket", "M")], "Jacket", "M"),
        ([Bought("Jacket", "M"), Bought("Jacket", "L")], "Jacket", ""),
        ([Bought("Jacket", "M"), Bought("Cap", "M")], "", "M"),
        ([Bought("Jacket", "M"), Bought("Cap", None)], "", ""),
    ],
)
def test_item_and_size_are_said_only_without_doubt(
    bought: list[Bought], item: str, size: str
) -> None:
    values = values_of(first_name=None, shop="Acme", order=None, bought=bought)
    assert (values["item"], values["size"]) == (item, size)
