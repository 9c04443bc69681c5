"""The tables that a reader trusts are complete: reactions, jobs, queues, doors, duties."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import app as package
from app.foundation.events import Event
from app.foundation.outbox import QUEUES
from app.reactions import JOBS, REACTIONS, TOGETHER, Later, Now
from tests.factories.world import World
from tests.house.source_files import ROOT

for _module in pkgutil.walk_packages(package.__path__, "app."):
    if _module.name != "app.wsgi":  # builds the whole app when it is imported
        importlib.import_module(_module.name)

KEYWORD = inspect.Parameter.KEYWORD_ONLY

# What may be asked without proof of who asks, and why.
OPEN_DOORS = {
    "/": "the app's page proves its ID token itself and shows nothing without one",
    "/bounce": "holds only App Bridge",
    "/healthz": "says only that the process lives",
    "/readyz": "says only what is missing",
    "/media/<token>": "the token is signed and short-lived",
    "/static/<path:filename>": "files that ship with the app",
    "/connect/zendesk": "the link is signed and short-lived",
    "/connect/zendesk/callback": "the state is signed and short-lived",
    "/connect/gorgias": "the link is signed and short-lived",
    "/connect/gorgias/callback": "the state is signed and short-lived",
    "/desk/zendesk": "proves Zendesk's signed word itself and shows nothing without it",
    "/desk/thread/<signed>": "the address is signed, an hour long and of one thread",
    "/desk/assets/<path:filename>": "the built page's files, the same for everybody",
    "/api/desk/photos/<signed>": "the address is signed and some minutes long",
    "/join/<slug>": "the shop's public opt-in page, open only if the shop opened it; its form is"
    " signed, limited and shows nothing of anybody",
    "/join/<slug>/done": "the same page, after the form",
    "/j/<code>": "leads to the public opt-in page or to a text",
    "/j/<code>/qr.<kind>": "the same, as a picture",
}


def later_reactions() -> list[Later]:
    return [r for row in REACTIONS.values() for r in row if isinstance(r, Later)]


def test_every_event_has_its_row_in_the_table() -> None:
    events = {e for e in Event.__subclasses__() if e.__module__.startswith("app.")}
    without = sorted(event.__name__ for event in events - set(REACTIONS))
    assert not without, f"no row in REACTIONS (an empty one will do): {without}"


def test_every_later_reaction_has_a_job_and_a_queue_with_workers() -> None:
    for reaction in later_reactions():
        assert reaction.topic in JOBS, f"{reaction.topic} is not in JOBS"
        assert reaction.queue in QUEUES, f"{reaction.topic}: {reaction.queue!r} is not in {QUEUES}"


def test_later_reactions_name_fields_of_their_event() -> None:
    for event, row in REACTIONS.items():
        there = {field.name for field in fields(event)}
        for reaction in row:
            if isinstance(reaction, Later):
                named = {*reaction.ids, reaction.in_order_of or "shop_id"}
                assert named <= there, f"{event.__name__} has no {sorted(named - there)}"


def test_every_topic_named_in_the_code_has_a_job() -> None:
    named = set()
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r'topic="([a-z_]+\.[a-z_]+)"', text))
        named |= set(re.findall(r"SELECT [a-z.]+, '([a-z]+\.[a-z_]+)', '", text))
    assert named, "the patterns above no longer find any topic"
    assert not named - set(JOBS), f"not in JOBS: {sorted(named - set(JOBS))}"


def test_every_job_takes_what_its_reactions_give() -> None:
    for reaction in later_reactions():
        job = JOBS.get(reaction.topic)
        assert job, f"{reaction.topic} is not in JOBS"
        keywords = {n for n, p in inspect.signature(job).parameters.items() if p.kind is KEYWORD}
        given = {"shop_id", *reaction.ids}
        if reaction.topic in TOGETHER:
            field, argument = TOGETHER[reaction.topic]
            given = given - {field} | {argument, "over"}
        assert keywords == given, f"{reaction.topic} takes {keywords} and is given {given}"


def test_reactions_that_run_now_take_the_time_and_no_port() -> None:
    for row in REACTIONS.values():
        for reaction in row:
            if isinstance(reaction, Now):
                names = list(inspect.signature(reaction.use_case).parameters)
                assert names == ["session", "event", "now"], reaction.use_case


def test_every_door_refuses_a_stranger(world: World) -> None:
    rules = {str(rule): rule for rule in world.client.application.url_map.iter_rules()}
    assert set(OPEN_DOORS) <= set(rules), "a door of the list is gone"
    for path, rule in rules.items():
        if path in OPEN_DOORS:
            continue
        address = re.sub(r"<[^>]+>", "nobody-knows-this", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = world.client.open(address, method=method, data=b"{}")
            assert answer.status_code in (401, 403, 404), (method, path, answer.status_code)


def test_open_doors_show_a_stranger_nothing_of_a_shop(world: World) -> None:
    shop = world.shop()
    for path in OPEN_DOORS:
        body = world.client.get(path.replace("<token>", "forged")).get_data(as_text=True)
        assert shop.domain not in body
        assert shop.line not in body


def test_no_use_case_reads_a_clock() -> None:
    """Time is passed in. Only the doors to the outside, and the clock, may ask for it."""
    may = {"foundation/clock.py", "replay"}
    offenders = []
    for path in (ROOT / "app").rglob("*.py"):
        name = str(path.relative_to(ROOT / "app"))
        if any(name.startswith(allowed) for allowed in may):
            continue
        if re.search(
            r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(\)", path.read_text()
        ):
            offenders.append(name)
    assert offenders == []


def test_bodies_and_numbers_are_kept_out_of_logs() -> None:
    """No log call names a field that holds a buyer's words, name or number."""
    spoken = re.compile(r"log\.(debug|info|warning|error|exception)\((.*?)\)\n", re.S)
    for path in (ROOT / "app").rglob("*.py"):
        for call in spoken.findall(path.read_text()):
            words = set(re.findall(r"\b(\w+)=", call[1]))
            assert not words & {"body", "phone", "name", "email", "text", "to"}, (path, call[1])


def test_templates_of_the_app_exist() -> None:
    used = set()
    for path in (ROOT / "app").rglob("*.py"):
        used |= set(re.findall(r'"([a-z_]+\.html)"', path.read_text()))
    there = {path.name for path in Path(ROOT / "app").rglob("templates/*.html")}
    assert used
    assert used - {"index.html"} <= there  # the built front end's own, see desk/pages
