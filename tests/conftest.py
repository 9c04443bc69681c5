"""Fixtures of every kind of test. Servers are real; one of each per test process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests import servers as test_servers
from tests.factories.world import World


@pytest.fixture(scope="session", autouse=True)
def logs_apart_from_answers() -> None:
    """As the processes of the product do: what a command prints on its standard output is its
    answer alone, whichever test comes first."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


@pytest.fixture(scope="session")
def servers() -> Iterator[test_servers.Servers]:
    with test_servers.running_servers() as running:
        yield running


@pytest.fixture
def database(servers: test_servers.Servers) -> Iterator[test_servers.Database]:
    """One of this test's own, also under its `world`: its schema may be changed."""
    made = servers.new_database()
    yield made
    servers.drop_database(made)


@pytest.fixture
def world(
    request: pytest.FixtureRequest, servers: test_servers.Servers, tmp_path: Path
) -> Iterator[World]:
    own = "database" in request.fixturenames
    database = request.getfixturevalue("database") if own else servers.emptied_database()
    made = World(database, servers.new_redis_url(), tmp_path)
    yield made
    made.close()
