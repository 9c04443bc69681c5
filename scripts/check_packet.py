"""Checks the JSON of a proof packet with nothing but Python: `python check_packet.py packet.json`.

For whoever is not to trust Doorstep: a court's expert, a buyer's lawyer. It follows four steps
(docs/how-to/prove-a-consent.md), prints the first that fails, and ends with exit code 1 then:

1. each row's form, hashed with the row's own key, is a leaf of the tree whose root its seal names;
2. what the packet shows of a person in clear is what the form holds as a hash;
3. each seal's hash fits it, and each names the hash of the one before;
4. the seals lead to anchors. Compare these with the copy that is kept outside the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Wrong(Exception):
    """The packet does not prove itself; the text says where."""


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def root_of_row(row: Json) -> str:
    """Where the row's path leads: the root of its seal."""
    digest = hmac.digest(bytes.fromhex(row["key"]), row["form"].encode(), "sha256")
    reached = hashlib.sha256(b"\x00" + digest).digest()
    for side, neighbour in row["path"]:
        pair = (bytes.fromhex(neighbour), reached)
        left, right = pair if side == "left" else pair[::-1]
        reached = hashlib.sha256(b"\x01" + left + right).digest()
    return reached.hex()


def hash_of_seal(seal: Json) -> str:
    names = ("shop", "number", "ledger", "rows", "root", "sealed_at", "previous")
    return hashlib.sha256(canonical([seal[name] for name in names]).encode()).hexdigest()


def check_rows(chain: Json) -> int:
    seals = {seal["number"]: seal for seal in chain["seals"]}
    proven = [row for row in chain["rows"] if "seal" in row]
    for row in proven:
        seal = seals.get(row["seal"])
        if seal is None or (seal["ledger"], seal["root"]) != (row["ledger"], root_of_row(row)):
            raise Wrong(f"row {row['row']} of {row['ledger']} is not in seal {row['seal']}")
    return len(proven)


def check_shown(packet: Json) -> None:
    """Consents and texts are shown in clear; the rows hold their hashes."""
    forms = {
        (r["ledger"], r["row"]): (r["key"], json.loads(r["form"])) for r in packet["chain"]["rows"]
    }
    for shown in (*packet["consents"], *packet["opt_outs"]):
        key, form = forms["consent_events", shown["row"]]
        clear = {
            "phone": packet["phone"],
            "wording": shown["wording"],
            "evidence": shown["evidence"],
        }
        for column, value in clear.items():
            if value is None:
                continue
            said = f"{column}:{value if isinstance(value, str) else canonical(value)}"
            hidden = "#" + hmac.digest(bytes.fromhex(key), said.encode(), "sha256").hex()
            if form.get(column) not in (hidden, value):
                raise Wrong(
                    f"the {column} shown for consent row {shown['row']} is not the sealed one"
                )
        same = ("action", "purpose", "source", "proof")
        if any(form[name] != shown[name] for name in same):
            raise Wrong(f"consent row {shown['row']} is shown otherwise than it was sealed")
    for text in packet["texts"]:
        if text["words"] is None or text["record"] is None:
            continue
        words = hmac.digest(
            bytes.fromhex(text["words_key"]), text["words"].encode(), "sha256"
        ).hex()
        if words != forms["text_records", text["record"]][1]["words"]:
            raise Wrong(f"the words of text {text['text']} are not the recorded ones")


def check_chain(chain: Json) -> int:
    seals = {seal["number"]: seal for seal in chain["seals"]}
    anchors = {anchor["number"]: anchor["hash"] for anchor in chain["anchors"]}
    for number, seal in seals.items():
        if hash_of_seal(seal) != seal["hash"]:
            raise Wrong(f"the hash of seal {number} does not fit it")
        before = seals.get(number - 1)
        if before is not None and before["hash"] != seal["previous"]:
            raise Wrong(f"seal {number} does not name the seal before it")
        if number in anchors and anchors[number] != seal["hash"]:
            raise Wrong(f"the anchor of seal {number} names another hash")
    unanchored = [n for n in seals if n + 1 not in seals and n not in anchors]
    if unanchored:
        raise Wrong(f"seal {unanchored[0]} leads to no anchor: was one written since?")
    return len(seals)


def check(packet: Json) -> str:
    """One line that says what was proven. Raises Wrong."""
    rows = check_rows(packet["chain"])
    check_shown(packet)
    seals = check_chain(packet["chain"])
    late = len(packet["chain"]["rows"]) - rows
    more = f"; {late} rows are too new to be sealed" if late else ""
    return f"{rows} rows in {seals} seals, {len(packet['chain']['anchors'])} anchors: whole{more}"


def main() -> int:
    try:
        print(check(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    except Wrong as wrong:
        print(f"NOT proven: {wrong}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
