"""Where the client or the sandbox does otherwise than Bynder's published definitions say, and why."""

from __future__ import annotations

import re
from typing import Final

import attrs

__all__ = ["DEVIATIONS", "Deviation"]


@attrs.frozen
class Deviation:
    """One known deviation.

    Attributes:
        call: method and path as published; `*` stands for anything, here and in `what`.
        what: what is otherwise, beginning with the part of the exchange that it is about.
        why: the reason.
        source: where the reason comes from.
    """

    call: str
    what: str
    why: str
    source: str

    def covers(self, call: str, what: str) -> bool:
        """Whether it is this one that was found."""
        return bool(re.fullmatch(_pattern(self.call), call) and re.fullmatch(_pattern(self.what), what))


def _pattern(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*")


_SEEN: Final = "seen in integrations"
_SDK: Final = "Bynder's own SDKs"
_HELP: Final = "Bynder's help centre"
_ITSELF: Final = "the definition itself"
_FLAGS: Final = "live answers carry 0 and 1 for flags; the client reads both"
_UNSET: Final = "what is not set is null; the client reads it as absent"
_COMMAS: Final = "the text says that several may stand there, parted by commas; the schema knows one"
_NO_FILE: Final = "there is no definition of this resource; the calls are those of the SDKs"
_ONE_OF_A_LIST: Final = "its text speaks of a list, its schema shows one record; the client reads both"
_STORAGE: Final = "POST /bynder-public-us-east-1.s3.amazonaws.com/"
_ADDITIONAL: Final = "POST /api/v4/media/{id}/save/additional/{uploadId}/"

_PKCE: Final = (
    "PKCE protects the code; a server without it passes over parameters it does not know (RFC 6749, 3.1)"
)

DEVIATIONS: Final = (
    Deviation(
        "GET /v6/authentication/oauth2/auth", "query: code_challenge* is not published", _PKCE, "RFC 7636"
    ),
    Deviation(
        "POST /v6/authentication/oauth2/token", "body: code_verifier is not published", _PKCE, "RFC 7636"
    ),
    Deviation("GET /api/v4/m*", "answer 200: * is integer, not boolean", _FLAGS, _SEEN),
    Deviation("GET /api/v4/metaproperties*", "answer 200: * is number, not boolean", _FLAGS, _SEEN),
    Deviation(
        "GET /api/v4/media/",
        "answer 200: it is object, not array",
        "so it is with `total` or `count`, which are published without their answer",
        _SDK,
    ),
    Deviation(
        "GET /api/v4/collections",
        "answer 200: it is object, not array",
        "so it is with `count`, which is published without its answer",
        _SEEN,
    ),
    Deviation("GET /api/v4/media/", "query: type does not keep to enum", _COMMAS, _ITSELF),
    Deviation("GET /api/v4/media/", "query: orientation does not keep to enum", _COMMAS, _ITSELF),
    Deviation(
        "GET /api/v4/media/{id}",
        "query: include is not published",
        "asks for related assets, which the answer's definition knows",
        _SEEN,
    ),
    Deviation(
        "GET /api/v4/media/{id}/download",
        "query: type does not keep to enum",
        "a wrong kind is asked for on purpose, to be refused",
        "the tests",
    ),
    Deviation(
        "POST /api/v4/media/{id}",
        "body: *ustomThumbnail* is not published",
        "fields of May 2025, sent only if they are given",
        _HELP,
    ),
    Deviation(
        "POST /api/v4/users/*",
        "body: * is string, not boolean",
        "forms carry flags as 0 and 1; the SDKs send these or words",
        _SDK,
    ),
    Deviation(
        "GET /api/trash/media",
        "query: dateRemovedFrom is not published",
        "the beginning of the range; the text of `dateRemoved` names it",
        _ITSELF,
    ),
    Deviation("* /api/v4/tags/*", "is not published", _NO_FILE, _SDK),
    Deviation("GET /api/v4/metaproperties/{}/dependencies/", "is not published", _NO_FILE, _SDK),
    Deviation(
        "* /v7/webhooks/public/api/subscriptions",
        "is not published",
        "the definition has `{id}` in the path of creation, which only the answer can tell; nor does it list",
        "assumed",
    ),
    Deviation(
        "POST /api/v4/upload/",
        "is not published",
        "the upload's id goes in the form, as in four of five SDKs, and not in the path",
        _SDK,
    ),
    Deviation(
        _STORAGE,
        "body: multipart/form-data instead of nothing",
        "the draft, the only text on it, knows no body; the fields are those of the SDKs",
        _SDK,
    ),
    Deviation(
        _STORAGE,
        "answer: status 201 is not published",
        "`success_action_status` of the answer to the init asks the storage for it",
        _SDK,
    ),
    Deviation(
        _ADDITIONAL,
        "body: targetid is not published",
        "the draft, the only text on it, spells `targetId`; the SDKs do not",
        _SDK,
    ),
    Deviation(
        _ADDITIONAL,
        "answer 201: it lacks *",
        "the portal answers `itemId` alone; the client reads either",
        _SDK,
    ),
    Deviation(
        "POST /api/v4/media/save/{importId}",
        "answer 201: it lacks accessRequestId",
        "only what goes to the waiting room has one; the example is of such a save",
        _ITSELF,
    ),
    Deviation(
        "POST /v7/file_cmds/upload/{file_id}/finalise_api",
        "body: sha256 is not published",
        "of the whole file, so that the portal can tell what broke on its way",
        "side branches of Bynder's SDKs",
    ),
    Deviation(
        "POST /api/workflow/campaigns/{}/close",
        "is not published",
        "tried only where the published path, `POST /api/workflow/campaigns/{id}`, is unknown",
        "Bynder's published connector",
    ),
    Deviation("GET /api/workflow/*", "answer 200: * is null, not *", _UNSET, "assumed"),
    Deviation(
        "GET /v7/analytics/api/v1/user/{userId}",
        "answer 200: [] lacks *",
        "a sign-in concerns no asset; the example shows events of assets alone",
        _ITSELF,
    ),
    Deviation("GET /v7/quarantine/*", "answer 200: * is no date-time", "its example has no zone", _ITSELF),
    Deviation("GET /v7/quarantine/*", "answer 200: * is null, not string", _UNSET, _ITSELF),
    Deviation("GET /v7/quarantine/*", "answer 200: *reviewStatus does not keep to enum", _UNSET, _ITSELF),
    Deviation("GET /api/workflow/groups/", "answer 200: it is array, not object", _ONE_OF_A_LIST, _ITSELF),
    Deviation(
        "GET /api/workflow/metaproperties", "answer 200: it is array, not object", _ONE_OF_A_LIST, _ITSELF
    ),
    Deviation("GET /api/store/orderproducts/{id}", "answer 200: * is null, not string", _UNSET, _SEEN),
    Deviation(
        "GET /transform/{id}/{name}",
        "answer 200: image/webp instead of image/jpeg, image/png",
        "the text names WebP as what comes where no format is asked for",
        _ITSELF,
    ),
    Deviation(
        "GET /v6/login-provider/login",
        "is not published",
        "the page of consent, where a browser is sent",
        _SDK,
    ),
    Deviation(
        "GET /api/v4/brands/",
        "answer: status 401 is not published",
        "hardly any definition names it; a token that has run out is answered so everywhere",
        "the definition of security profiles",
    ),
    Deviation(
        "POST /api/1/assets/similarity-search/",
        "answer: status 401 is not published",
        "permanent tokens are not accepted, its text says; how that is answered is assumed",
        _ITSELF,
    ),
    Deviation(
        "POST /api/v4/collections",
        "answer 403: statuscode is string, not integer",
        "most errors of v4 have it as a text; the client reads the status alone",
        "other definitions of v4",
    ),
    Deviation(
        "POST /api/v4/metaproperties/{id}/options/{optionId}/dependencies/{dependencyId}",
        "answer 404: statuscode is string, not number",
        "most errors of v4 have it as a text; the client reads the status alone",
        "other definitions of v4",
    ),
)
