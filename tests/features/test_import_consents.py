"""Consents collected elsewhere come in by file, each with its evidence or with its reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.cli import parser
from app.consent.models import ConsentEvent
from app.contacts.models import Contact
from app.foundation.audit import AuditEntry
from app.foundation.errors import Refused
from app.joining import import_consents
from app.joining.commands import bring_consents
from tests.factories.joining import joining_shop, ledger
from tests.factories.world import BUYER, DOMAIN, World

HEADER = "phone,purpose,wording,source_url,form,consented_at,ip,user_agent,first_name"
WORDING = "Text me about my order. Some texts are written by an AI assistant."
GOOD = (
    f"{BUYER},care,{WORDING},https://acme.example/cart,,2026-05-01T10:00:00-07:00,203.0.113.7,,Maya"
)


def bring(world: World, path: Path, *flags: str) -> None:
    words = ["consents", "import", str(path), "--shop", DOMAIN, *flags]
    bring_consents(world.ports, parser().parse_args(words))


def file_of(tmp_path: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = tmp_path / "consents.csv"
    path.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    return path


def refused(path: Path) -> list[dict[str, str]]:
    with path.with_name("consents.refused.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def line(**cells: str) -> str:
    """A good line with some cells changed."""
    good = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells
    return ",".join(good.values())


def test_line_becomes_a_grant_with_its_evidence(world: World, tmp_path: Path) -> None:
    world.shop()
    bring(world, file_of(tmp_path, GOOD))
    [row] = world.all(ConsentEvent)
    assert (row.phone, row.purpose, row.action, row.source) == (BUYER, "care", "granted", "import")
    assert row.wording == WORDING
    assert row.covers_assistant
    assert row.occurred_at.isoformat() == "2026-05-01T17:00:00+00:00"
    assert row.evidence == {
        "source_url": "https://acme.example/cart",
        "ip": "203.0.113.7",
        "consented_at": "2026-05-01T10:00:00-07:00",
    }
    assert [c.first_name for c in world.all(Contact)] == ["Maya"]
    entry = world.all(AuditEntry)[-1]
    assert entry.action == "consents.imported"
    assert entry.actor.startswith("operator:")
    assert entry.detail == {"added": 1, "known": 0, "refused": {}}
    assert not (tmp_path / "consents.refused.csv").exists()


def test_imported_consent_lets_the_check_in_go_out(world: World, tmp_path: Path) -> None:
    world.shop()
    bring(world, file_of(tmp_path, GOOD))
    world.order(consent=False)
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.sent()) == 1


def test_same_file_twice_adds_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shop()
    path = file_of(tmp_path, GOOD, GOOD, line(purpose="marketing"))
    bring(world, path)
    assert "2 added, 1 known before" in capsys.readouterr().out
    bring(world, path)
    assert "0 added, 3 known before" in capsys.readouterr().out
    assert len(ledger(world)) == 2


def test_dry_run_stores_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shop()
    entries = len(world.all(AuditEntry))
    path = file_of(tmp_path, GOOD, line(phone="12"))
    bring(world, path, "--dry-run")
    assert "1 would be added" in capsys.readouterr().out
    assert ledger(world) == []
    assert world.all(Contact) == []
    assert len(world.all(AuditEntry)) == entries
    assert [row["line"] for row in refused(path)] == ["3"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": "+442079460018"}, "country"),
        ({"purpose": "everything"}, "purpose"),
        ({"purpose": ""}, "purpose"),
        ({"wording": "ok"}, "wording"),
        ({"source_url": ""}, "where"),
        ({"consented_at": "yesterday"}, "consented_at"),
        ({"consented_at": "2026-05-01T10:00:00"}, "no_zone"),
        ({"consented_at": "2031-05-01T10:00:00Z"}, "consented_at"),
        ({"consented_at": "1999-05-01T10:00:00Z"}, "consented_at"),
        ({"ip": "1,2,3"}, "cells"),
        ({"user_agent": "x" * 4001}, "cell_too_long"),
        ({"user_agent": "a\0b"}, "cell_too_long"),
    ],
)
def test_refused_line_is_named_with_its_reason_and_a_remedy(
    world: World, tmp_path: Path, bad: dict[str, str], reason: str
) -> None:
    world.shop()
    path = file_of(tmp_path, GOOD, line(**bad), line(phone="+14155550177"))
    bring(world, path)
    assert len(ledger(world)) == 2, "the others are stored"
    [row] = refused(path)
    assert (row["line"], row["reason"]) == ("3", reason)
    assert row["remedy"]
    assert world.all(AuditEntry)[-1].detail["refused"] == {reason: 1}


def test_list_of_refused_lines_can_be_mended_and_handed_in(world: World, tmp_path: Path) -> None:
    world.shop()
    path = file_of(tmp_path, line(phone="555-0142"), line(wording="ok", phone="+14155550177"))
    bring(world, path)
    mended = path.with_name("consents.refused.csv")
    text = mended.read_text(encoding="utf-8-sig").replace("555-0142", BUYER, 1)
    mended.write_text(text.replace(",ok,", f",{WORDING},"), encoding="utf-8-sig")
    bring(world, mended)
    assert len(ledger(world)) == 2


def test_opt_out_is_never_undone(world: World, tmp_path: Path) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    path = file_of(tmp_path, GOOD, line(consented_at=world.clock.now().isoformat()))
    bring(world, path)
    assert [row["reason"] for row in refused(path)] == ["opted_out", "opted_out"]
    assert ledger(world) == [("all", "revoked", "text")]


def test_consent_from_before_an_opt_out_stays_void_after_the_buyers_return(
    world: World, tmp_path: Path
) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    world.clock.advance(days=1)
    world.text(shop, "START")
    world.clock.advance(days=1)
    old, new = line(purpose="marketing"), line(consented_at=world.clock.now().isoformat())
    path = file_of(tmp_path, old, new)
    bring(world, path)
    assert [row["reason"] for row in refused(path)] == ["opted_out"]
    assert ledger(world)[-1] == ("care", "granted", "import")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused_before_anything_is_stored(
    world: World, tmp_path: Path, encoding: str
) -> None:
    world.shop()
    path = file_of(tmp_path, GOOD, line(first_name="Zoë"), encoding=encoding)
    with pytest.raises(Refused, match="is not UTF-8") as said:
        bring(world, path)
    assert "CSV UTF-8" in str(said.value)
    assert "line 3" in str(said.value) or encoding == "utf-16"
    assert ledger(world) == []


def test_mark_that_spreadsheets_write_is_no_part_of_the_header(
    world: World, tmp_path: Path
) -> None:
    world.shop()
    bring(world, file_of(tmp_path, line(first_name="Zoë"), encoding="utf-8-sig"))
    assert [c.first_name for c in world.all(Contact)] == ["Zoë"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("wording", "wordings"), "“wording” is missing (is “wordings” meant"),
        (HEADER.replace("source_url,form,", ""), "“source_url or form” is missing"),
        (HEADER.replace("form", "phone"), "“phone” stands there twice"),
        (HEADER.replace(",", ";"), "not separated by commas"),
        ("", "“phone” is missing"),
    ],
)
def test_mistakes_of_the_header_are_all_named(
    world: World, tmp_path: Path, header: str, says: str
) -> None:
    world.shop()
    with pytest.raises(Refused) as refusal:
        bring(world, file_of(tmp_path, GOOD, header=header))
    assert says in str(refusal.value)


def test_header_may_be_written_as_people_write(world: World, tmp_path: Path) -> None:
    world.shop()
    header = HEADER.replace("consented_at", "Consented At").replace("phone", " Phone ") + ",Notes"
    bring(world, file_of(tmp_path, GOOD + ",vip", header=header))
    assert len(ledger(world)) == 1


def test_file_that_is_not_there_is_said_plainly(world: World, tmp_path: Path) -> None:
    world.shop()
    with pytest.raises(Refused, match="No such file"):
        bring(world, tmp_path / "consents.csv")


def test_import_stopped_half_way_goes_on_with_the_same_file(world: World, tmp_path: Path) -> None:
    """Batches are whole, the list of refused lines says nothing false, and the record is kept."""
    shop = joining_shop(world)
    lines = [line(phone=f"+1415555{n:04}", first_name="") for n in range(100, 200)] * 1
    path = file_of(tmp_path, *[one for one in lines for _ in range(15)])

    class Stopped(Exception):
        pass

    def stop(lines: int) -> None:
        raise Stopped

    file = import_consents.ConsentsFile(path, country="US")
    with pytest.raises(Stopped):
        import_consents.import_consents(
            world.db,
            now=world.clock.now(),
            shop_id=shop.id,
            actor="operator:tests",
            file=file,
            refuse=lambda one: None,
            progress=stop,
            dry_run=False,
        )
    after = len(ledger(world))
    assert 0 < after < 100
    assert world.all(AuditEntry)[-1].detail["added"] == after
    bring(world, path)
    assert len(ledger(world)) == 100
