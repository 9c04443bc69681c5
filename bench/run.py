"""One measure alone, or several one after the other, each on servers of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine
from bench.stage import Stage, staged
from bench.table import Finding, show

Measure = Callable[[Stage], list[Finding]]


def alone(measure: Measure) -> None:
    """For `python -m bench.NAME`: prints its rows; ends with 1 if a target is missed."""
    findings = run([measure])
    show(findings)
    raise SystemExit(any(finding.met is False for finding in findings))


def run(measures: Sequence[Measure]) -> list[Finding]:
    findings: list[Finding] = []
    for number, measure in enumerate(measures):
        with staged() as stage:
            if number == 0:
                version = stage.servers.postgres.sql("SHOW server_version").split()[0]
                print(machine.describe(version), flush=True)
            name = Path(measure.__code__.co_filename).stem
            print(f"{name} …", flush=True)
            try:
                found = measure(stage)
            except Exception as error:  # the others may still be measured
                traceback.print_exc()
                found = [Finding(name, "", f"not measured: {type(error).__name__}", met=False)]
            for one in found:
                print(f"  {one.measure}: {one.measured}  {one.detail}", flush=True)
            findings += found
    return findings
