"""Tokens of Event Grid's are let in, all others are not; keys are fetched seldom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from engine.errors import Unavailable
from hosts.azure.eventgrid.tokens import KEYS_LAST, PAUSE, Gate
from hosts.face import Denied
from tests.doubles.entra import AUDIENCE, EVENT_GRID, TENANT, Entra
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority

ABSENT = object()
DAY = KEYS_LAST.total_seconds()
WAIT = PAUSE.total_seconds()


class Ticks:
    """A clock that is moved by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def serving(certificates: Authority) -> Iterator[Entra]:
    with Entra(certificates) as found:
        assert isinstance(found, Entra)
        yield found


@pytest.fixture
def entra(serving: Entra) -> Entra:
    serving.exchanges.clear()
    serving.faults.clear()
    return serving


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def gate(entra: Entra, ticks: Ticks, certificates: Authority) -> Gate:
    context = ssl.create_default_context(cafile=certificates.bundle)
    return Gate(TENANT, AUDIENCE, entra.url, context, ticks)


def bearer(token: str) -> str:
    return f"Bearer {token}"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_event_grid_is_let_in(gate: Gate, entra: Entra, version: str) -> None:
    gate.admit(bearer(entra.token(entra.claims(version=version))))
    gate.admit("bearer  " + entra.token(entra.claims(version=version)))
    assert entra.fetches() == 1


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"aud": "api://another"}, 401, "token: Audience doesn't match"),
        ({"aud": ABSENT}, 401, 'token: Token is missing the "aud" claim'),
        ({"iss": "https://sts.windows.net/another/"}, 401, "token: Invalid issuer"),
        ({"iss": "https://login.microsoftonline.com/common/v2.0"}, 401, "token: Invalid issuer"),
        ({"iss": ABSENT}, 401, 'token: Token is missing the "iss" claim'),
        ({"exp": ABSENT}, 401, 'token: Token is missing the "exp" claim'),
        ({"exp": "soon"}, 401, "token: "),
        ({"nbf": ABSENT}, 401, 'token: Token is missing the "nbf" claim'),
        ({"azp": "00000000-0000-0000-0000-000000000001"}, 403, "token: not issued to Event Grid"),
        ({"azp": ABSENT}, 403, "token: not issued to Event Grid"),
        ({"azp": ABSENT, "appid": "somebody"}, 403, "token: not issued to Event Grid"),
        ({"azp": "somebody", "appid": EVENT_GRID}, 403, "token: not issued to Event Grid"),
        ({"roles": ABSENT}, 403, "token: lacks the role AzureEventGridSecureWebhookSubscriber"),
        ({"roles": ["Reader"]}, 403, "token: lacks the role "),
        ({"roles": "AzureEventGridSecureWebhookSubscriber"}, 403, "token: lacks the role "),
    ],
)
def test_any_claim_that_is_wrong_keeps_it_out(
    gate: Gate, entra: Entra, change: dict[str, Any], status: int, reason: str
) -> None:
    claims = {k: v for k, v in {**entra.claims(), **change}.items() if v is not ABSENT}
    with pytest.raises(Denied) as denied:
        gate.admit(bearer(entra.token(claims)))
    assert denied.value.status == status
    assert str(denied.value).startswith(reason)


@pytest.mark.parametrize("change", [{"exp": -130}, {"nbf": 130, "exp": 4000}])
def test_a_token_out_of_its_time_is_for_later_with_a_new_one(
    gate: Gate, entra: Entra, change: dict[str, int]
) -> None:
    """Were it denied, a clock that is wrong would lose every delivery for good."""
    now = int(time.time())
    timed = {name: now + seconds for name, seconds in change.items()}
    with pytest.raises(Unavailable):
        gate.admit(bearer(entra.token({**entra.claims(), **timed})))


@pytest.mark.parametrize("change", [{"exp": -100}, {"nbf": 100, "exp": 4000}])
def test_a_little_is_forgiven_to_the_clocks(
    gate: Gate, entra: Entra, change: dict[str, int]
) -> None:
    now = int(time.time())
    timed = {name: now + seconds for name, seconds in change.items()}
    gate.admit(bearer(entra.token({**entra.claims(), **timed})))


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer a.b", "Bearer a.b.c", "Bearer é",
     "Bearer " + "x" * 20_000, "Bearer ..", "Bearer e30.e30.e30"],
)  # fmt: skip
def test_what_is_no_token_is_denied_without_asking_anybody(
    gate: Gate, entra: Entra, authorization: str | None
) -> None:
    with pytest.raises(Denied) as denied:
        gate.admit(authorization)
    assert denied.value.status == 401
    assert entra.exchanges == []


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(entra: Entra, algorithm: str, secret: bytes | None) -> str:
    """A token that names the tenant's key, and is signed otherwise or not at all."""
    head = {"alg": algorithm, "typ": "JWT", "kid": entra.kid}
    signed = f"{part(head)}.{part(entra.claims())}"
    mark = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{part(mark) if mark else ''}"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "RS512", "ES256"])
def test_the_public_key_and_no_key_sign_nothing(gate: Gate, entra: Entra, algorithm: str) -> None:
    """The oldest tricks: no signature, or the published key taken for a shared secret."""
    public = entra.private[entra.kid].public_key()
    pem, pkcs1 = (
        public.public_bytes(serialization.Encoding.PEM, shape)
        for shape in (
            serialization.PublicFormat.SubjectPublicKeyInfo,
            serialization.PublicFormat.PKCS1,
        )
    )
    for secret in (None, pem, pkcs1):
        with pytest.raises(Denied) as denied:
            gate.admit(bearer(forged(entra, algorithm, secret)))
        assert denied.value.status == 401


def test_other_algorithms_of_the_right_key_are_denied(gate: Gate, entra: Entra) -> None:
    for algorithm in ("RS384", "RS512", "PS256"):
        token = jwt.encode(
            entra.claims(), entra.private[entra.kid], algorithm, headers={"kid": entra.kid}
        )
        with pytest.raises(Denied):
            gate.admit(bearer(token))


def test_a_changed_payload_is_denied(gate: Gate, entra: Entra) -> None:
    head, _, mark = entra.token({**entra.claims(), "roles": []}).split(".")
    with pytest.raises(Denied, match="Signature verification failed"):
        gate.admit(bearer(f"{head}.{part(entra.claims())}.{mark}"))


@pytest.mark.parametrize("header", [{"kid": None}, {"kid": 7}])
def test_a_token_that_names_no_key_is_denied(
    gate: Gate, entra: Entra, header: dict[str, Any]
) -> None:
    head = {"alg": "RS256", **({"kid": header["kid"]} if header["kid"] else {})}
    with pytest.raises(Denied) as denied:
        gate.admit(bearer(f"{part(head)}.{part(entra.claims())}.{part(b'x')}"))
    assert denied.value.status == 401
    assert entra.exchanges == []


def test_a_new_key_is_found(gate: Gate, entra: Entra, ticks: Ticks) -> None:
    gate.admit(bearer(entra.token()))
    before = entra.kid
    entra.rotate()
    with pytest.raises(Unavailable, match="requested less than 30 s ago; retry later"):
        gate.admit(bearer(entra.token()))
    ticks.at += WAIT
    gate.admit(bearer(entra.token()))
    entra.kid = before
    gate.admit(bearer(entra.token()))
    assert entra.fetches() == 2


def test_unknown_keys_make_nobody_ask_often(gate: Gate, entra: Entra, ticks: Ticks) -> None:
    """A key that the tenant has just disowned is denied; one named soon after has to wait."""
    gate.admit(bearer(entra.token()))
    known, outcomes = entra.token(), []
    for second in range(1, 121):
        ticks.at = float(second)
        try:
            gate.admit(bearer(entra.token(kid=f"unknown-{second}")))
        except (Denied, Unavailable) as error:
            outcomes.append(type(error))
        gate.admit(bearer(known))
    assert entra.fetches() == 1 + 120 // WAIT
    assert outcomes.count(Denied) == 120 // WAIT
    assert outcomes.count(Unavailable) == 120 - 120 // WAIT


def test_a_key_that_is_not_the_tenants_signs_nothing(
    gate: Gate, entra: Entra, ticks: Ticks
) -> None:
    before = entra.kid
    entra.rotate(publish=False)
    try:
        with pytest.raises(Denied, match="a key that is not the tenant's"):
            gate.admit(bearer(entra.token()))
        with pytest.raises(Denied, match="Signature verification failed"):
            gate.admit(bearer(entra.token(kid=before)))
    finally:
        entra.kid = before


def test_a_withdrawn_key_counts_for_a_day_at_most(gate: Gate, entra: Entra, ticks: Ticks) -> None:
    token, withdrawn = entra.token(), entra.kid
    gate.admit(bearer(token))
    entra.published.remove(withdrawn)
    entra.rotate()
    ticks.at = DAY - 1
    gate.admit(bearer(token))
    ticks.at = DAY
    with pytest.raises(Denied, match="a key that is not the tenant's"):
        gate.admit(bearer(token))


@pytest.mark.parametrize(
    "fault",
    [
        {"answer": Response(500, {"error": "x"})},
        {"answer": Response(429, {"error": "x"}, {"Retry-After": "1"})},
        {"answer": Response(200, b"<html>")},
        {"answer": Response(200, [])},
        {"answer": Response(200, {})},
        {"answer": Response(200, {"keys": [{"kty": "RSA", "kid": "x"}]})},
        {"answer": Response(200, {"keys": [7, {"kty": "RSA", "kid": "x", "use": "enc"}]})},
        {"answer": Response(200, {"keys": 7})},
        {"answer": Response(200, {"jwks_uri": "file:///etc/passwd", "keys": [{"kty": "oct"}]})},
        {"answer": None},
    ],
)
@pytest.mark.parametrize("where", ["openid-configuration", "/keys"])
def test_an_authority_that_does_not_answer_is_for_later(
    gate: Gate, entra: Entra, ticks: Ticks, where: str, fault: dict[str, Any]
) -> None:
    entra.fail(where, times=2, **fault)
    for _ in range(3):
        with pytest.raises(Unavailable) as late:
            gate.admit(bearer(entra.token()))
        assert late.value.delay == PAUSE
    # It was asked once, and is asked again only after the pause.
    assert len(entra.requests("openid-configuration")) == 1
    ticks.at = WAIT
    with pytest.raises(Unavailable):
        gate.admit(bearer(entra.token()))
    ticks.at = 2 * WAIT
    gate.admit(bearer(entra.token()))


def test_an_authority_of_another_name_is_not_believed(entra: Entra, ticks: Ticks) -> None:
    """Its certificate is not signed by anyone that this machine trusts."""
    gate = Gate(TENANT, AUDIENCE, entra.url, None, ticks)
    with pytest.raises(Unavailable):
        gate.admit(bearer(entra.token()))


def test_the_double_knows_one_tenant(entra: Entra, certificates: Authority, ticks: Ticks) -> None:
    context = ssl.create_default_context(cafile=certificates.bundle)
    gate = Gate("00000000-0000-0000-0000-000000000000", AUDIENCE, entra.url, context, ticks)
    with pytest.raises(Unavailable, match="400"):
        gate.admit(bearer(entra.token()))
