"""`make bench`: every measure, or those named, and one table at the end."""

from __future__ import annotations

import sys

from bench import (
    check_ins,
    claim_cost,
    erase_year,
    open_loop,
    permission_verdict,
    relay_claim,
    shopify_webhook,
    status_callback,
    text_to_ticket,
    twilio_inbound,
    understand,
)
from bench.run import run
from bench.table import show

MEASURES = {
    module.__name__.removeprefix("bench."): module.measure
    for module in (
        shopify_webhook,
        twilio_inbound,
        status_callback,
        open_loop,
        text_to_ticket,
        check_ins,
        claim_cost,
        permission_verdict,
        relay_claim,
        understand,
        erase_year,
    )
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        print(f"No such measure: {', '.join(unknown)}. There are {', '.join(MEASURES)}.")
        return 2
    findings = run([MEASURES[name] for name in wanted or MEASURES])
    show(findings)
    return int(any(finding.met is False for finding in findings))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
