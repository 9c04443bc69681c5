"""A shop's rules send a ticket to its group or person, when it opens and when it is raised."""

from __future__ import annotations

from typing import Any

from app.foundation.audit import AuditEntry
from app.foundation.errors import Unknowable
from app.helpdesk.ports import Priority, Routing
from app.helpdesk.routing.save_rules import save_rules
from app.vendors.fake.helpdesk import AGENT_ID
from tests.factories.staff import ADMIN, AGENT, call, staffed
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected

JACKETS = {
    "when": {"sku": "TRJ"},
    "then": {"group": "7", "priority": "normal", "tags": ["jackets"]},
}
DANGER = {"when": {"urgent": True}, "then": {"group": "9", "priority": "urgent"}}


def ruled(world: World, *rules: dict[str, Any]) -> ZendeskAtHand:
    desk = connected(world)
    with world.db.shop(desk.shop.id) as session:
        save_rules(
            session, now=world.clock.now(), shop_id=desk.shop.id, actor="test", rules=list(rules)
        )
    world.checked_in(desk.shop)
    return desk


def says(world: World, desk: ZendeskAtHand, words: str) -> None:
    desk.text(words)
    world.settle(patient=True)


def priority(world: World, desk: ZendeskAtHand) -> Priority | None:
    return world.helpdesk.read_status(desk.access, desk.ticket_id).priority


def test_ticket_that_opens_goes_where_the_first_fitting_rule_says(world: World) -> None:
    desk = ruled(world, DANGER, JACKETS, {"when": {"country": "US"}, "then": {"group": "1"}})
    says(world, desk, "The zip broke")
    assert world.helpdesk.owners_of(desk.ticket_id) == ("7", None)
    assert priority(world, desk) is Priority.NORMAL
    assert "jackets" in world.helpdesk.tags_of(desk.ticket_id)


def test_ticket_whose_opening_was_lost_is_routed_once_it_is_found(world: World) -> None:
    desk = ruled(world, JACKETS)
    lose_the_opening(world)
    desk.text("The zip broke")
    world.settle()
    assert desk.link().ticket_id is None
    desk.let_intents_age()
    world.settle(patient=True)
    assert world.helpdesk.owners_of(desk.ticket_id) == ("7", None)


def lose_the_opening(world: World) -> None:
    behind = world.helpdesk

    class Lost:
        def __getattr__(self, name: str) -> Any:
            return getattr(behind, name)

        def open_ticket(self, *args: Any) -> None:
            helpdesks["zendesk"] = behind
            behind.open_ticket(*args)
            raise Unknowable("fake", "the line broke")

    helpdesks: Any = world.ports.helpdesks
    helpdesks["zendesk"] = Lost()


def test_shop_without_rules_leaves_it_to_the_helpdesk(world: World) -> None:
    desk = ruled(world)
    says(world, desk, "The zip broke")
    assert world.helpdesk.owners_of(desk.ticket_id) == (None, None)
    assert world.scalar("SELECT count(*) FROM outbox") == 0


def test_raised_ticket_moves_on_what_is_new(world: World) -> None:
    desk = ruled(world, DANGER, JACKETS)
    says(world, desk, "The zip broke")
    says(world, desk, "I want to kill myself")
    assert world.helpdesk.owners_of(desk.ticket_id) == ("9", None)
    assert priority(world, desk) is Priority.URGENT


def test_agent_who_moved_a_ticket_is_not_overruled(world: World) -> None:
    desk = ruled(world, JACKETS)
    says(world, desk, "The zip broke")
    moved = Routing(group_id="3", assignee_id=AGENT_ID, priority=Priority.LOW)
    world.helpdesk.route_ticket(desk.access, desk.ticket_id, moved)
    says(world, desk, "agent")
    assert world.helpdesk.owners_of(desk.ticket_id) == ("3", AGENT_ID)
    assert priority(world, desk) is Priority.LOW


def test_rule_never_lowers_a_priority(world: World) -> None:
    refunds = {"when": {"keyword": "refund"}, "then": {"group": "5", "priority": "low"}}
    desk = ruled(world, DANGER, refunds, JACKETS)
    says(world, desk, "The zip broke")
    says(world, desk, "I want a refund. Can I talk to a person?")
    assert world.helpdesk.owners_of(desk.ticket_id) == ("5", None)
    assert priority(world, desk) is Priority.NORMAL


def test_person_who_has_left_is_told_once_and_keeps_no_text_back(world: World) -> None:
    desk = ruled(world, {"when": {"country": "US"}, "then": {"assignee": "404"}})
    says(world, desk, "The zip broke")
    says(world, desk, "agent")
    assert desk.said()[-1].endswith("A person reads this and answers here.")
    assert len([note for note in desk.notes() if "could not be routed" in note]) == 1
    assert any("Handed to a person" in note for note in desk.notes())


def test_admin_reads_and_saves_them_and_an_agent_does_not(world: World) -> None:
    desk = connected(world)
    staffed(world, desk.shop)
    path = "/helpdesk/routing"
    saved = call(world, "PUT", path, user=ADMIN, json={"rules": [JACKETS]})
    assert (saved.status_code, saved.get_json()) == (200, {"rules": [JACKETS]})
    assert call(world, "GET", path, user=ADMIN).get_json() == {"rules": [JACKETS]}
    for method in ("GET", "PUT"):
        assert call(world, method, path, user=AGENT, json={"rules": []}).status_code == 403
    [entry] = world.all(AuditEntry, AuditEntry.action == "preferences.saved")
    assert entry.actor == f"staff:{ADMIN}"


def test_fault_in_a_rule_is_named_with_its_place(world: World) -> None:
    desk = connected(world)
    staffed(world, desk.shop)
    wrong = [JACKETS, {"when": {"country": "USA"}, "then": {"group": "7"}}]
    for body in ({"rules": wrong}, {"rules": {}}, {}, []):
        refused = call(world, "PUT", "/helpdesk/routing", user=ADMIN, json=body)
        assert (refused.status_code, refused.get_json()["error"]) == (400, "routing_rules")
    refused = call(world, "PUT", "/helpdesk/routing", user=ADMIN, json={"rules": wrong})
    assert "1.when.country" in refused.get_json()["message"]
    assert call(world, "GET", "/helpdesk/routing", user=ADMIN).get_json() == {"rules": []}
