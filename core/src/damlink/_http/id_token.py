"""Verification of ID tokens: signature by the issuer's keys, and the claims that bind them to one sign-in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from damlink.errors import AuthError

__all__ = ["LEEWAY_SECONDS", "Keys", "UnknownKeyError", "parse_object", "read_keys", "verify_claims"]

# Clocks of two machines differ; a token lives for minutes.
LEEWAY_SECONDS: Final = 60
# Signatures by a private key. HMAC is not among them: its key would be the public one.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES: Final = {"R": "RSA", "P": "RSA", "E": "EC"}  # by the first letter of the algorithm
CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
RSA_BITS: Final = range(2048, 8193)
MOST_SUBJECT: Final = 255  # OpenID Connect Core 1.0, section 2

_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_CLOCK: Final = "set the clocks of this machine and of the issuer by NTP"
_FOREIGN: Final = "somebody may have sent a foreign token: check issuer and client_id"


class UnknownKeyError(AuthError):
    """The token names a key that the known keys do not hold."""


class Keys:
    """The public keys of an issuer that may sign ID tokens.

    Args:
        keys: those of its JWKS document that fit.
    """

    def __init__(self, keys: tuple[RSAKey | ECKey, ...]) -> None:
        self._keys = keys

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature is the issuer's.

        Raises:
            UnknownKeyError: it names a key that is not here.
            AuthError: it is no token, its algorithm is not permitted, or the signature is wrong.

        Source: RFC 7515, section 5.2; RFC 8725, section 3.1 (permitted algorithms).
        """
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        registry.max_header_length = 8192
        try:
            read = jws.extract_compact(token.encode("ascii"), registry=registry)
            header = read.headers()
        except _UNREADABLE as error:
            raise AuthError("the ID token is no signed token", hint=_FOREIGN) from error
        key = self._choose(header)
        try:
            signed = jws.deserialize_compact(token.encode("ascii"), key, registry=registry)
        except _UNREADABLE as error:
            raise AuthError("the signature of the ID token is wrong", hint=_FOREIGN) from error
        claims = parse_object(signed.payload or b"")
        if claims is None:
            raise AuthError("the ID token holds no claims", hint=_FOREIGN)
        return claims

    def _choose(self, header: Mapping[str, Any]) -> RSAKey | ECKey:
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            hint = f"let the issuer sign with one of {', '.join(ALGORITHMS)}"
            raise AuthError("the ID token is signed by an algorithm that is not permitted", hint=hint)
        fitting = [key for key in self._keys if _fits(key, algorithm) and kid in (None, key.get("kid"))]
        if len(fitting) != 1:
            hint = "let the issuer publish the key, with its `kid`, at its jwks_uri"
            raise UnknownKeyError("the ID token names no key of the issuer", hint=hint)
        return fitting[0]


def _fits(key: RSAKey | ECKey, algorithm: str) -> bool:
    if key.key_type != KEY_TYPES[algorithm[0]] or key.get("alg") not in (None, algorithm):
        return False
    return key.key_type == "RSA" or key.get("crv") == CURVES[algorithm]


def read_keys(document: Mapping[str, Any]) -> Keys:
    """Return the keys of a JWKS document; those that cannot sign ID tokens are left out.

    Raises:
        AuthError: it is no such document, or holds no key that fits.

    Source: RFC 7517, sections 4 and 5.
    """
    given = document.get("keys")
    found = tuple(_import_keys(given)) if isinstance(given, list) else ()
    if not found:
        hint = "check the jwks_uri of the issuer: it must hold RSA keys of 2048 bits or more, or EC keys"
        raise AuthError("the issuer publishes no key that can sign ID tokens", hint=hint)
    return Keys(found)


def _import_keys(given: list[Any]) -> Iterator[RSAKey | ECKey]:
    for each in given:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        try:
            if each.get("kty") == "EC":
                yield ECKey.import_key(each)
            elif each.get("kty") == "RSA" and _count_bits(each["n"]) in RSA_BITS:
                yield RSAKey.import_key(each)
        except _UNREADABLE:
            # One key that is broken, or of a kind that is not known here, says nothing about the others.
            continue


def _count_bits(number: str) -> int:
    """Return the bits of a number in Base64url."""
    return int.from_bytes(base64.urlsafe_b64decode(f"{number}==")).bit_length()


def verify_claims(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float
) -> Mapping[str, Any]:
    """Return the claims of a token that the issuer made for us, for this sign-in, and that is valid now.

    Args:
        now: seconds since 1970.

    Raises:
        AuthError: a claim is missing, of another type, or has another value.

    Source: OpenID Connect Core 1.0, section 3.1.3.7.
    """
    if claims.get("iss") != issuer:
        raise AuthError("the ID token is of another issuer", hint=_FOREIGN)
    _verify_audience(claims, client_id)
    _verify_subject(claims.get("sub"))
    _verify_times(claims, now)
    if claims.get("nonce") != nonce:
        raise AuthError("the ID token belongs to another sign-in (nonce)", hint="sign in again")
    return claims


def _verify_subject(subject: object) -> None:
    """Verify that a subject can name a user: ASCII, and without controls, which a database may drop."""
    is_text = isinstance(subject, str) and subject.isascii() and subject.isprintable()
    if not is_text or not 0 < len(str(subject)) <= MOST_SUBJECT:
        raise AuthError("the ID token names no subject (sub)", hint="let the issuer send `sub` as a text")


def _verify_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """Verify that the token is for us alone, or that we are the party that it was issued to."""
    given, party = claims.get("aud"), claims.get("azp")
    audiences = given if isinstance(given, list) else [given]
    if client_id not in audiences:
        raise AuthError("the ID token is for another client (aud)", hint=_FOREIGN)
    if party != client_id and (party is not None or len(audiences) > 1):
        raise AuthError("the ID token was issued to another client (azp)", hint=_FOREIGN)


def _verify_times(claims: Mapping[str, Any], now: float) -> None:
    ends, issued = _read_moment(claims, "exp"), _read_moment(claims, "iat")
    if ends + LEEWAY_SECONDS <= now:
        raise AuthError("the ID token has expired (exp)", hint=_CLOCK)
    begins = _read_moment(claims, "nbf") if "nbf" in claims else issued
    if max(issued, begins) - LEEWAY_SECONDS > now:
        raise AuthError("the ID token is from the future (iat, nbf)", hint=_CLOCK)


def _read_moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # JSON of Python also knows NaN, which is smaller and greater than nothing.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        hint = f"let the issuer send `{name}` as a number"
        raise AuthError(f"the ID token has no moment {name}", hint=hint)
    return value


def parse_object(text: bytes) -> dict[str, Any] | None:
    """Return a JSON object, or `None` if a text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
