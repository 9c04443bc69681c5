"""One stack of real processes for all fault tests; each test finds it whole and quiet."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.buyers import Buyers
from tests.faults.size import Size
from tests.faults.stack import Stack
from tests.servers import running_servers


@pytest.fixture(scope="session")
def size() -> Size:
    return Size.full() if os.environ.get("FAULTS_SIZE") == "full" else Size.small()


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_servers(durable=True) as servers:
        folder: Path = tmp_path_factory.mktemp("stack")
        stack = Stack(servers, folder)
        try:
            stack.open()
            yield stack
        finally:
            stack.close()


@pytest.fixture(scope="session")
def buyers() -> Buyers:
    """Phones and order numbers that no other test of this run uses."""
    return Buyers()


@pytest.fixture
def stack(opened: Stack) -> Iterator[Stack]:
    faulthandler.cancel_dump_traceback_later()  # these tests take minutes, each wait is bounded
    opened.heal()
    yield opened
    opened.heal()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in report.LINES:
        terminalreporter.write_line(f"  {line}")
