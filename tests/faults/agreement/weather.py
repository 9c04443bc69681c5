"""What goes wrong at the helpdesk and at the carrier, for a while, as the dice say."""

from __future__ import annotations

from sandbox import faults
from tests.faults.agreement.house import House

# kind, how often in a row, seconds; "" as operation is any
SHORT = (
    ("5xx", 2),
    ("5xx", 6),
    ("429", 3),
    ("cut_connection", 2),
    ("timeout_after_acting", 1),
    ("timeout_after_acting", 3),
    ("5xx_after_acting", 1),
    ("5xx_after_acting", 3),
)
WRITES = {
    "zendesk": ("tickets.create", "tickets.update", "tickets.update", "uploads.create", ""),
    "gorgias": ("tickets.create", "messages.create", "messages.create", "upload", ""),
}
LONG_STEPS, STEP_SECONDS = 15, 20 * 60  # longer than any job is tried again


def change(house: House) -> None:
    """The next hour's weather."""
    dice, kind = house.dice, house.side.kind
    house.is_stormy = True
    house.carrier.trouble = dice.choice((0.0, 0.0, 0.1, 0.4))
    for _ in range(dice.randrange(0, 4)):
        fault, count = dice.choice(SHORT)
        operation = dice.choice(WRITES[kind])
        if "after_acting" in fault and not operation:
            operation = WRITES[kind][0]  # a refresh whose answer is lost needs a human
        faults.add(kind, fault, operation=operation, count=count, seconds=0, retry_after=2)
        house.counted[f"{fault} at the helpdesk"] += count


def outage(house: House) -> None:
    """The helpdesk's API is down for five hours; agents and buyers hardly notice."""
    house.counted["outages of five hours"] += 1
    down = faults.add(house.side.kind, "5xx")
    for _ in range(LONG_STEPS):
        house.pass_time(STEP_SECONDS)
        house.deliver()
        house.tick()
        house.work()
    house.counted["5xx of an outage"] += down.hits
    faults.clear(fault_id=down.id)
