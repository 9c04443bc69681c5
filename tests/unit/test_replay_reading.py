"""The orders export is read as Shopify writes it, and what is broken is named, not guessed."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.foundation.errors import Refused
from app.replay.read_orders import Broken, ExportedOrder, OrdersFile
from app.replay.timetable import Timetable
from scripts.make_sample_orders import HEADER, write

SAMPLE = Path(__file__).parents[2] / "sandbox" / "samples" / "orders_export.csv"
FIRST = {
    "Email": "maya@example.com",
    "Financial Status": "paid",
    "Fulfillment Status": "fulfilled",
    "Fulfilled at": "2026-10-04 09:05:00 -0400",
    "Created at": "2026-10-03 14:22:11 -0400",
    "Currency": "USD",
    "Total": "180.00",
    "Shipping Name": "Maya Okafor",
    "Shipping Zip": "'02139",
    "Shipping Province": "MA",
    "Shipping Country": "US",
    "Shipping Phone": "'+16175550142",
}


def row(name: str, item: str = "Trail Runner Jacket - M", **fields: str) -> dict[str, str]:
    line = {
        "Name": name,
        "Lineitem quantity": "1",
        "Lineitem name": item,
        "Lineitem fulfillment status": "fulfilled",
        "Lineitem requires shipping": "true",
    }
    return line | {key.replace("_", " "): value for key, value in fields.items()}


def order(name: str, **fields: str) -> dict[str, str]:
    return FIRST | row(name, **fields)


def text(rows: Iterable[dict[str, str]], header: Iterable[str] = HEADER) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(header), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def read(path: Path, content: str | bytes) -> list[ExportedOrder | Broken]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    file = OrdersFile(path)
    try:
        return list(file.orders())
    finally:
        file.close()


def one(path: Path, **fields: str) -> ExportedOrder:
    [found] = read(path, text([order("#1001", **fields)]))
    assert isinstance(found, ExportedOrder)
    return found


def test_lines_of_one_order_are_put_together(path: Path) -> None:
    found = read(path, text([order("#1001"), row("#1001", "Merino Beanie"), order("#1000")]))
    assert [(o.name, len(o.lines)) for o in found if isinstance(o, ExportedOrder)] == [
        ("#1001", 2),
        ("#1000", 1),
    ]


def test_zips_and_phones_lose_the_apostrophe_that_shopify_adds(path: Path) -> None:
    shipping = one(path).shipping
    assert shipping is not None
    assert (shipping.zip, shipping.phone) == ("02139", "+16175550142")


def test_times_keep_their_offset(path: Path) -> None:
    assert one(path).placed_at == datetime(2026, 10, 3, 18, 22, 11, tzinfo=UTC)


def test_note_attributes_are_read_line_by_line(path: Path) -> None:
    found = one(path, Note_Attributes="gift: yes\ndoorstep_care_consent: Text me: reply STOP")
    assert found.attributes == {"gift": "yes", "doorstep_care_consent": "Text me: reply STOP"}


def test_byte_order_mark_and_windows_line_ends_do_no_harm(path: Path) -> None:
    content = "\ufeff" + text([order("#1001"), order("#1002")]).replace("\n", "\r\n")
    assert [o.name for o in read(path, content) if isinstance(o, ExportedOrder)] == [
        "#1001",
        "#1002",
    ]


def test_additional_and_reordered_columns_do_no_harm(path: Path) -> None:
    content = text([order("#1001")], header=["New Column", *reversed(HEADER)])
    assert isinstance(read(path, content)[0], ExportedOrder)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Created_at": "10/3/2026 14:22"}, "“Created at” is '10/3/2026 14:22'"),
        ({"Fulfilled_at": "yesterday"}, "“Fulfilled at”"),
        ({"Cancelled_at": "2026-13-40 00:00:00 -0400"}, "“Cancelled at”"),
        ({"Lineitem_quantity": "two"}, "“Lineitem quantity”"),
    ],
)
def test_broken_order_is_named_with_its_line_and_the_rest_goes_on(
    path: Path, fields: dict[str, str], words: str
) -> None:
    found = read(path, text([order("#1001"), order("#1002", **fields), order("#1003")]))
    broken = found[1]
    assert isinstance(broken, Broken)
    assert (broken.line, broken.order) == (3, "#1002")
    assert words in broken.why
    assert "export the orders again" in broken.why
    assert [isinstance(one, ExportedOrder) for one in found] == [True, False, True]


def test_broken_second_line_breaks_its_whole_order(path: Path) -> None:
    rows = [order("#1001"), row("#1001", Lineitem_quantity="-1"), order("#1002")]
    found = read(path, text(rows))
    assert [type(one) for one in found] == [Broken, ExportedOrder]
    assert str(found[0]).startswith("line 3, order #1001")


def test_unclosed_quotation_mark_costs_its_own_line_only(path: Path) -> None:
    lines = text([order("#1001"), order("#1002"), order("#1003"), order("#1004")]).splitlines()
    lines[2] = lines[2].replace("Maya Okafor", '"Maya Okafor', 1)
    found = read(path, "\n".join(lines) + "\n")
    assert [o.name for o in found if isinstance(o, ExportedOrder)] == ["#1001", "#1003", "#1004"]
    [broken] = [o for o in found if isinstance(o, Broken)]
    assert (broken.line, broken.order) == (3, "#1002")


def test_stray_comma_is_told(path: Path) -> None:
    lines = text([order("#1001"), order("#1002")]).splitlines()
    lines[1] = lines[1].replace("Maya Okafor", "Okafor, Maya")
    found = read(path, "\n".join(lines))
    assert isinstance(found[0], Broken)
    assert "stray comma" in found[0].why
    assert isinstance(found[1], ExportedOrder)


def test_file_that_was_cut_off_loses_its_last_order_only(path: Path) -> None:
    content = text([order("#1001"), order("#1002")])
    found = read(path, content[: len(content) - 190])
    assert [type(one) for one in found] == [ExportedOrder, Broken]


def test_latin_1_names_are_told_and_skipped(path: Path) -> None:
    rows = [order("#1001", Shipping_Name="Zoë"), order("#1002")]
    content = text(rows).encode("latin-1")
    found = read(path, content)
    assert isinstance(found[0], Broken)
    assert "not UTF-8" in found[0].why
    assert isinstance(found[1], ExportedOrder)


def test_second_order_of_one_name_is_not_played_again(path: Path) -> None:
    found = read(path, text([order("#1001"), order("#1002"), order("#1001")]))
    assert [type(one) for one in found] == [ExportedOrder, ExportedOrder, Broken]


def test_line_without_its_order_is_told_once(path: Path) -> None:
    rows = [row("#1001", "A"), row("#1001", "B"), order("#1002")]
    found = read(path, text(rows))
    assert [type(one) for one in found] == [Broken, ExportedOrder]
    assert "first line" in found[0].why if isinstance(found[0], Broken) else False


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "spreadsheet or ZIP"),
        (text([]).encode("utf-16"), "no UTF-8 text"),
        (text([]).replace(",", ";").encode(), "semicolons"),
        (b"Handle,Title,Body (HTML),Vendor\n", "export of products"),
        (b"First Name,Last Name,Email,Total Spent\n", "export of customers"),
        (b"Name,Email,Created at\n#1,a@example.com,now\n", "lacks the columns Financial Status"),
        (
            text([], [name for name in HEADER if "Phone" not in name]).encode(),
            "Phone or Shipping Phone or Billing Phone",
        ),
    ],
)
def test_wrong_file_is_refused_with_a_remedy(path: Path, content: bytes, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(path, content)
    assert words in str(refusal.value)
    assert "In Shopify's admin choose Orders" in str(refusal.value)


def test_missing_file_is_refused(path: Path) -> None:
    with pytest.raises(Refused, match="cannot be opened"):
        OrdersFile(path)


def test_an_order_is_found_again_by_its_place(path: Path) -> None:
    note = "leave it\nwith the “doorman”, please"
    rows = [order("#1001", Notes=note), row("#1001", "B"), order("#1002"), order("#1003")]
    path.write_text(text(rows))
    file = OrdersFile(path)
    orders = [found for found in file.orders() if isinstance(found, ExportedOrder)]
    assert len(orders) == 3
    assert [file.order_at(o.offset, o.line) for o in reversed(orders)] == orders[::-1]
    file.close()


def test_sample_is_what_its_generator_writes() -> None:
    out = io.StringIO()
    write(out, count=300, days=28, seed=7)
    assert out.getvalue() == SAMPLE.read_text()


def test_sample_is_read_without_a_broken_order() -> None:
    file = OrdersFile(SAMPLE)
    found = list(file.orders())
    file.close()
    assert [type(one) for one in found].count(ExportedOrder) == 300 == len(found)


def test_long_file_leaves_little_in_memory(path: Path) -> None:
    def kept_of(count: int) -> int:
        with path.open("w") as out:
            write(out, count=count, days=28, seed=1)
        file = OrdersFile(path)
        tracemalloc.start()
        timetable = Timetable(file, transit=timedelta(days=3), limit=None)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        file.close()
        assert timetable.orders == count
        return kept

    kept_of(200)  # fills the tables of zones, whatever the size
    assert kept_of(900) < 900 * 150
