"""Rules on secrets: where they may be sent."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_plus

import httpx

from damlink._config.settings import fields_of
from damlink._http.origin import origin_of
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, rule


@rule(
    "partner.own-secrets",
    proves="No secret is sent to an address that no setting names, such as that of a file.",
    cure="let ctx.http sign: it does so for the origin of `api_url` alone; put no secret into an address",
)
def send_secrets_home(case: Case) -> None:
    """Carry an asset, and search its requests to foreign addresses."""
    sent: list[httpx.Request] = []
    client = case.trial.context.http
    client.event_hooks = {"request": [sent.append]}
    case.trial.carry(case.source)
    client.event_hooks = {}
    home, secrets = set(_origins(case)), case.trial.secrets()
    for request in sent:
        text = unquote_plus(f"{request.url} {dict(request.headers)}")
        if origin_of(request.url) not in home and any(secret in text for secret in secrets):
            raise BrokenRuleError(f"a secret is sent to {_name(case, request.url)}")


def _origins(case: Case) -> Iterator[object]:
    """Yield the origins of the addresses among the settings, and that of the token endpoint."""
    settings = case.trial.context.settings
    for field in fields_of(case.trial.connector.settings_class):
        value = getattr(settings, field.name)
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            yield origin_of(httpx.URL(value))
    if token_url := case.trial.token_url:
        yield origin_of(httpx.URL(token_url))


def _name(case: Case, url: httpx.URL) -> str:
    """Return the service of the sandbox that an address belongs to, since its port differs each time."""
    names = {origin_of(httpx.URL(each)): name for name, each in case.sandbox.origins.items()}
    return f"the stand-in's service {name}" if (name := names.get(origin_of(url))) else url.host
