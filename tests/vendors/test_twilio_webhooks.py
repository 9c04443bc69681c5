"""Twilio's webhooks: recorded bodies and signatures, our check beside Twilio's own."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm
from werkzeug.datastructures import MultiDict

from app.messaging.ports import InboundText, MediaRef
from app.vendors.twilio.webhooks import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    Malformed,
    account_of,
    bare_address,
    door_urls,
    parse_form,
    parse_inbound,
    parse_status,
    status_url,
    verify,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "twilio"
VECTORS: dict[str, Any] = json.loads((FIXTURES / "vectors.json").read_text("utf-8"))
TOKEN = "doorstep-fake-auth-token-0123456789"
URL = "https://doorstep.example/webhooks/twilio/k3y/inbound"


class ManyValued(dict[str, list[str]]):
    """A form as RequestValidator likes it, made from pairs."""

    def getlist(self, name: str) -> list[str]:
        return self[name]

    @classmethod
    def of(cls, pairs: list[tuple[str, str]]) -> ManyValued:
        made = cls()
        for name, value in pairs:
            made.setdefault(name, []).append(value)
        return made


def form_of(name: str) -> list[tuple[str, str]]:
    return parse_form((FIXTURES / f"{name}.form").read_bytes())


# --- Signature


def test_published_vector_of_twilio_is_accepted() -> None:
    vector = VECTORS["published_vector"]
    assert verify(
        url=vector["url"],
        form=vector["params"],
        signature=vector["signature"],
        auth_token=vector["token"],
    )


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_recorded_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    raw = (FIXTURES / vector["body_file"]).read_bytes()
    mutate = vector.get("mutate", {})
    if "replace" in mutate:
        raw = raw.replace(*(part.encode() for part in mutate["replace"]))
    form: list[tuple[str, str]] | bytes
    if vector["body_file"].endswith(".json"):
        form = raw
    else:
        form = [
            (name, value.strip() if name == mutate.get("strip") else value)
            for name, value in parse_form(raw)
            if name != mutate.get("drop")
        ]
    settings_header = vector.get("extra_headers", {}).get(
        "X-Twilio-Webhooks-Signature-Settings", ""
    )
    if "algorithm" not in vector:  # the vector that ignores the header
        settings_header = ""
    verdict = verify(
        url=vector["validate_url"],
        form=form,
        signature=vector["signature"],
        auth_token=vector["token"],
        settings=settings_header,
    )
    assert verdict is vector["expect_valid"]


names = st.text(min_size=1, max_size=12)
values = st.text(max_size=40)
pairs = st.lists(st.tuples(names, values), max_size=12)
hosts = st.sampled_from(["doorstep.example", "doorstep.example:443", "doorstep.example:8443", "h"])
targets = st.text(alphabet="abcXYZ019-._~%?=&/", max_size=30)
schemes = st.sampled_from(["https", "http"])
algorithms = st.sampled_from(["", "key=a,algorithm=HMAC_SHA1", "key=a,algorithm=HMAC_SHA256"])


@settings(max_examples=400, deadline=None)
@given(
    scheme=schemes,
    host=hosts,
    target=targets,
    form=pairs,
    token=st.text(min_size=1, max_size=40),
    header=algorithms,
    signed_with_port=st.booleans(),
)
def test_signatures_that_twilio_computes_are_accepted_and_others_get_its_verdict(
    scheme: str,
    host: str,
    target: str,
    form: list[tuple[str, str]],
    token: str,
    header: str,
    signed_with_port: bool,
) -> None:
    url = f"{scheme}://{host}/{target}"
    theirs = RequestValidator(token)
    algorithm = get_signature_algorithm(header)
    standard = 443 if scheme == "https" else 80
    signed_url = url
    if signed_with_port and ":" not in host:
        signed_url = f"{scheme}://{host}:{standard}/{target}"
    good = theirs.compute_signature(signed_url, ManyValued.of(form), algorithm)
    for signature in (good, good[:-1], good.lower(), "", good + "="):
        expected = theirs.validate(url, ManyValued.of(form), signature, algorithm)
        ours = verify(url=url, form=form, signature=signature, auth_token=token, settings=header)
        assert ours is expected
    assert not verify(
        url=url, form=[*form, ("Body", "x" * 41)], signature=good, auth_token=token, settings=header
    )


@given(body=st.text(max_size=60), lie=st.booleans())
def test_bodies_that_are_no_form_are_held_to_the_hash_in_the_address(body: str, lie: bool) -> None:
    hashed = sha256((body + "x" if lie else body).encode()).hexdigest()
    url = f"https://doorstep.example/events?bodySHA256={hashed}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    assert RequestValidator(TOKEN).validate(url, body, signature) is not lie
    assert verify(url=url, form=body.encode(), signature=signature, auth_token=TOKEN) is not lie


def test_body_that_is_no_form_is_refused_when_the_address_holds_no_hash() -> None:
    signature = RequestValidator(TOKEN).compute_signature(URL, {})
    assert not verify(url=URL, form=b'{"a": 1}', signature=signature, auth_token=TOKEN)


@pytest.mark.parametrize(
    "signature", ["", "é", "QOVN\u00fcCGdY2l8ddopczhtpAa4KBw=", "\ud800", "ＡＢＣ", "a" * 10_000]
)
def test_odd_signature_header_is_a_no_and_never_an_error(signature: str) -> None:
    assert verify(url=URL, form=[("a", "b")], signature=signature, auth_token=TOKEN) is False


@pytest.mark.parametrize("url", ["https://h:99999/x", "https://h:p/x", "https://[/x", "", "\ud800"])
def test_odd_address_is_a_no_and_never_an_error(url: str) -> None:
    assert verify(url=url, form=[("a", "b")], signature="x", auth_token=TOKEN) is False


def test_unknown_algorithm_is_refused_even_with_a_valid_sha1_signature() -> None:
    good = RequestValidator(TOKEN).compute_signature(URL, {"a": "b"})
    assert verify(url=URL, form={"a": "b"}, signature=good, auth_token=TOKEN)
    header = "key=k,algorithm=HMAC_MD5"
    assert not verify(url=URL, form={"a": "b"}, signature=good, auth_token=TOKEN, settings=header)


def test_repeated_fields_are_signed_as_flask_hands_them_over() -> None:
    form = [("M", "2"), ("M", "1"), ("M", "2"), ("A", "")]
    flask_form = MultiDict(form)
    good = RequestValidator(TOKEN).compute_signature(URL, flask_form)
    assert verify(url=URL, form=form, signature=good, auth_token=TOKEN)
    listed = list(flask_form.items(multi=True))
    assert verify(url=URL, form=listed, signature=good, auth_token=TOKEN)


# --- Forms


def test_form_keeps_blanks_spaces_and_order() -> None:
    raw = b"Body=+a%20b+&To=&%C3%A9=%F0%9F%8E%89&Body=2"
    assert parse_form(raw) == [("Body", " a b "), ("To", ""), ("é", "🎉"), ("Body", "2")]


@pytest.mark.parametrize(
    "raw",
    [
        b"Body=%ff",
        b"Body=\xff",
        b"Body=%ED%A0%80",  # half a surrogate pair
        b"&".join([b"a=1"] * (MAX_FORM_FIELDS + 1)),
        b"Body=" + b"a" * MAX_FORM_BYTES,
    ],
)
def test_form_that_is_not_utf8_or_too_large_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_form(raw)


@settings(max_examples=300, deadline=None)
@given(raw=st.one_of(st.binary(max_size=300), st.text("aFrom=&%+0MessageSid", max_size=80)))
def test_any_bytes_are_read_or_malformed_and_nothing_else(raw: bytes | str) -> None:
    body = raw.encode() if isinstance(raw, str) else raw
    try:
        form = parse_form(body)
    except Malformed:
        return
    verify(url=URL, form=form, signature="x", auth_token=TOKEN)
    for parse in (parse_inbound, lambda fields: parse_status(fields, {"m": "1"})):
        try:
            parse(form)
        except Malformed as refusal:
            assert refusal.reason == "malformed"


# --- Meaning


def test_plain_text_is_read_with_its_trailing_space() -> None:
    text = parse_inbound(form_of("inbound_sms"))
    assert text.provider_sid == "SM00000000000000000000000000000101"
    assert (text.from_phone, text.to_phone) == ("+16175550142", "+12025550188")
    assert text.body == "Hi, the box arrived but one mug is cracked "
    assert (text.media, text.opt_out_type) == ((), "")


def test_emoji_and_accents_survive() -> None:
    assert parse_inbound(form_of("inbound_sms_unicode")).body == (
        "Merci ! 🎉 le vase est superbe — à bientôt"
    )


def test_photos_come_with_address_and_declared_type_in_order() -> None:
    media = parse_inbound(form_of("inbound_mms")).media
    assert [one.content_type for one in media] == ["image/jpeg", "image/heic"]
    assert [one.url[-1] for one in media] == ["1", "2"]
    assert all(one.url.startswith("https://api.twilio.com/2010-04-01/Accounts/") for one in media)


def test_photo_without_words_has_an_empty_body() -> None:
    text = parse_inbound(form_of("inbound_mms_no_body"))
    assert (text.body, len(text.media)) == ("", 1)


def test_photo_without_declared_type_is_kept() -> None:
    form = [*form_of("inbound_sms"), ("MediaUrl0", "https://api.twilio.com/x"), ("NumMedia", "1")]
    assert parse_inbound(form).media == (MediaRef("https://api.twilio.com/x", ""),)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("inbound_stop_advanced", "STOP"),
        ("inbound_start_advanced", "START"),
        ("inbound_help_advanced", "HELP"),
        ("inbound_cancel_ambiguous", "STOP"),
        ("inbound_stop_default", ""),
        ("inbound_free_text_revocation", ""),
    ],
)
def test_opt_out_type_is_there_only_when_twilio_has_answered(name: str, kind: str) -> None:
    assert parse_inbound(form_of(name)).opt_out_type == kind


def test_fields_that_twilio_adds_later_are_kept_raw() -> None:
    raw = parse_inbound(form_of("inbound_new_parameter")).raw
    assert raw["ParameterAddedByTwilioLater"] == "x"
    assert raw["AccountSid"] == account_of(form_of("inbound_new_parameter"))


def test_rcs_addresses_lose_their_prefix() -> None:
    text = parse_inbound(form_of("inbound_rcs_button"))
    assert (text.from_phone, text.to_phone) == ("+16175550142", "doorstep_demo_agent")
    assert text.raw["ButtonPayload"] == "care:damaged:1001"
    assert bare_address("+16175550142") == "+16175550142"


def test_nul_characters_that_postgres_refuses_are_dropped() -> None:
    form = parse_form(b"MessageSid=SM1&From=%2B1&To=%2B2&Body=a%00b&X%00=%00")
    text = parse_inbound(form)
    assert text.body == "ab"
    assert "\0" not in json.dumps(text.raw, ensure_ascii=False)


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
@pytest.mark.parametrize("how", ["absent", "blank", "endless"])
def test_text_without_sid_or_phones_is_malformed(missing: str, how: str) -> None:
    form = [pair for pair in form_of("inbound_sms") if pair[0] != missing]
    if how != "absent":
        form.append((missing, " " if how == "blank" else "9" * 65))
    with pytest.raises(Malformed, match=missing):
        parse_inbound(form)


def test_every_recorded_text_is_read() -> None:
    for path in FIXTURES.glob("inbound_*.form"):
        assert isinstance(parse_inbound(parse_form(path.read_bytes())), InboundText), path.name


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("status_sent", "sent", ""),
        ("status_delivered", "delivered", ""),
        ("status_delivered_rcs", "delivered", ""),
        ("status_read_rcs", "read", ""),
        ("status_failed_21610", "failed", "21610"),
        ("status_failed_30001", "failed", "30001"),
        ("status_undelivered_30003", "undelivered", "30003"),
        ("status_undelivered_30007", "undelivered", "30007"),
        ("status_undelivered_30034", "undelivered", "30034"),
    ],
)
def test_status_is_read_and_bound_to_our_message(name: str, status: str, code: str) -> None:
    update = parse_status(form_of(name), {"m": "4711"})
    assert (update.status, update.error_code, update.message_id) == (status, code, 4711)


@pytest.mark.parametrize("m", ["", "x", "-1", "1.5", "٣", " 1", "9" * 19, "9" * 5000])
def test_status_without_a_usable_id_of_ours_is_still_read(m: str) -> None:
    assert parse_status(form_of("status_sent"), {"m": m}).message_id is None
    assert parse_status(form_of("status_sent"), {}).message_id is None


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_status_without_sid_or_status_is_malformed(missing: str) -> None:
    form = [pair for pair in form_of("status_sent") if pair[0] != missing]
    with pytest.raises(Malformed, match=missing):
        parse_status(form, {})


# --- Addresses


def test_door_addresses_ask_for_retries_and_their_fragment_is_not_part_of_what_is_signed() -> None:
    urls = door_urls("https://care.example/", "k3y")
    assert urls == {
        "inbound": "https://care.example/webhooks/twilio/k3y/inbound#rc=3&rp=ct,rt,5xx",
        "fallback": "https://care.example/webhooks/twilio/k3y/fallback#rc=3&rp=ct,rt,5xx",
        "status": "https://care.example/webhooks/twilio/k3y/status#rc=3&rp=ct,rt,5xx",
    }
    assert status_url("https://care.example", "k3y", 42) == (
        "https://care.example/webhooks/twilio/k3y/status?m=42#rc=3&rp=ct,rt,5xx"
    )


def test_signature_is_compared_as_a_whole_and_not_by_a_prefix() -> None:
    good = RequestValidator(TOKEN).compute_signature(URL, {"a": "b"})
    padded = b64encode(b"0" * 20).decode()
    for forged in (good[:10], good * 2, padded, good.replace("=", "")):
        assert not verify(url=URL, form={"a": "b"}, signature=forged, auth_token=TOKEN)
