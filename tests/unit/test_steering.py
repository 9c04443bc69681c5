"""What an agent's comment or tags say about who shall answer."""

from __future__ import annotations

import pytest

from app.helpdesk.ports import HelpdeskHook, HookKind
from app.helpdesk.steering import Steer, read_command, read_tags


@pytest.mark.parametrize(
    ("comment", "steer", "rest"),
    [
        ("#assistant on", Steer.HAND_BACK, ""),
        ("#assistant off", Steer.TAKE_OVER, ""),
        ("  #Assistant  ON  \nShe only wants the tracking link.", Steer.HAND_BACK, "She only"),
        ("#assistant\u00a0off\r\nmine", Steer.TAKE_OVER, "mine"),
        ("\n#assistant on\n", Steer.HAND_BACK, ""),
        ("#assistant onwards", None, "#assistant onwards"),
        ("#assistant on it", None, "#assistant on it"),
        ("please #assistant on", None, "please #assistant on"),
        ("Not yet\n#assistant on", None, "Not yet"),
        ("#assistant", None, "#assistant"),
        ("assistant on", None, "assistant on"),
        ("", None, ""),
    ],
)
def test_command_is_the_whole_first_line(comment: str, steer: Steer | None, rest: str) -> None:
    found, left = read_command(comment)
    assert found is steer
    assert left.startswith(rest)
    assert steer is None or "#" not in left


@pytest.mark.parametrize(
    ("tags", "steer"),
    [
        (["doorstep", "doorstep-ai-on"], Steer.HAND_BACK),
        (["doorstep-ai-off"], Steer.TAKE_OVER),
        (["doorstep-ai-on", "doorstep-ai-off"], Steer.TAKE_OVER),
        (["doorstep", "vip"], None),
        ([], None),
    ],
)
def test_tags_steer_and_with_both_the_human_has_it(tags: list[str], steer: Steer | None) -> None:
    found = read_tags(tags)
    assert (found and found[0]) == steer


@pytest.mark.parametrize(("added", "asks"), [(("vip",), False), (("vip", "doorstep-ai-on"), True)])
def test_change_of_tags_is_looked_at_only_if_it_steers(added: tuple[str, ...], asks: bool) -> None:
    hook = HelpdeskHook("e", HookKind.TAGS_CHANGED, "1", tags_added=added)
    assert hook.asks_something is asks
