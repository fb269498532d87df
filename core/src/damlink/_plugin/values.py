"""Verification of the values that a hook returns.

Before an effect a wrong type is refused, and the message says what to write. After an effect nothing may
be lost: a value that cannot be stored is converted, and a notice names it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from damlink._content import Content
from damlink._model import Cursor, Finding, PreparedAsset, PushResult, Removed, Skip, SourceAsset
from damlink._system.json_record import JsonRecord
from damlink._system.keepable import (
    MAX_KEY_BYTES,
    NotKeepableError,
    clean,
    is_key,
    nearest_json,
    plain_json,
    shorten,
    show,
    strict_json,
)
from damlink.errors import DamlinkError, PluginBugError

__all__ = [
    "RAW_BYTES",
    "Refused",
    "check_cursor",
    "check_finding",
    "check_prepared",
    "check_removed",
    "check_source_asset",
    "keep_result",
    "refuse",
]

RAW_BYTES: Final = 64 * 1024
DETAIL_BYTES: Final = 1024 * 1024
RESERVED: Final = "damlink."  # the beginning of the core's own fingerprints
# Characters. A title is only shown: a longer one is cut off.
MAX_TITLE: Final = 1000
MAX_REASON: Final = 200  # of a removal: it is part of a fingerprint
# Characters. A text that is delivered must not be cut off: a longer one is refused.
MAX_FIELD: Final = 100_000
# Characters: so many fit in a key in any encoding.
PLAIN_KEY: Final = MAX_KEY_BYTES // 4

_KEY: Final = f"write text of 1 to {MAX_KEY_BYTES} bytes without NUL and half surrogates"


@attrs.frozen
class Refused:
    """Source asset or cursor of a listing that cannot be stored.

    Attributes:
        source_id: the asset's id, if that can be kept.
        fingerprint: its fingerprint, if that can be kept.
        title: its title, or empty.
        error: what is wrong with it.
    """

    source_id: str | None
    fingerprint: str | None
    title: str
    error: PluginBugError


# --- before an effect ------------------------------------------------------------------------------


def check_source_asset(asset: SourceAsset) -> SourceAsset:
    """Return a source asset that can be kept, with its record as JSON text.

    Raises:
        NotKeepableError: a field is of a wrong type; names it and what to write.
    """
    return _keep_plain(asset) or _keep_each_field(asset)


def _keep_plain(asset: SourceAsset) -> SourceAsset | None:
    """Return an ordinary source asset after one quick check of all fields; `None` for any other."""
    key, fingerprint, title, raw = asset.source_id, asset.fingerprint, asset.title, asset.raw
    if not (type(key) is type(fingerprint) is type(title) is str and type(raw) is dict):
        return None
    is_short = len(key) <= PLAIN_KEY and len(fingerprint) <= PLAIN_KEY and len(title) <= MAX_TITLE
    if not (key and fingerprint and is_short) or fingerprint.startswith(RESERVED):
        return None
    together = f"{key}{fingerprint}{title}"
    text = plain_json(raw) if clean(together) == together else None
    if text is None or len(text) > RAW_BYTES:
        return None
    return SourceAsset(key, fingerprint, title, JsonRecord(text))


def _keep_each_field(asset: SourceAsset) -> SourceAsset:
    if not is_key(asset.source_id):
        raise NotKeepableError(f"a SourceAsset whose source_id is {show(asset.source_id)}; {_KEY}")
    which = f"a SourceAsset ({asset.source_id!r:.80}) whose"
    fingerprint: object = asset.fingerprint
    if not isinstance(fingerprint, str) or not fingerprint:
        what = f"{which} fingerprint is {show(fingerprint)}"
        raise NotKeepableError(f"{what}; write text that changes when the asset must be carried again")
    title = _display(asset.title, f"{which} title", MAX_TITLE)
    return SourceAsset(asset.source_id, _keep_fingerprint(fingerprint), title, _raw(asset.raw, which))


def _raw(raw: object, which: str) -> JsonRecord:
    if not isinstance(raw, Mapping):
        raise NotKeepableError(f"{which} raw is {show(raw)}; write a dict of JSON values")
    text = json.dumps(strict_json(raw, f"{which} raw"))
    if len(text) > RAW_BYTES:
        raise NotKeepableError(f"{which} raw is {len(text)} bytes of JSON; at most {RAW_BYTES} are kept")
    return JsonRecord(text)


def _keep_fingerprint(text: str) -> str:
    """Return the fingerprint; of a reserved one, or one that no database keeps, a digest."""
    if is_key(text) and not text.startswith(RESERVED):
        return text
    return f"sha256 {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def refuse(asset: SourceAsset, error: PluginBugError) -> Refused:
    """Return what can be kept of a source asset that is refused."""
    fingerprint: object = asset.fingerprint
    title: object = asset.title
    return Refused(
        asset.source_id if is_key(asset.source_id) else None,
        _keep_fingerprint(fingerprint) if isinstance(fingerprint, str) and fingerprint else None,
        shorten(title, MAX_TITLE) if isinstance(title, str) else "",
        error,
    )


def check_cursor(cursor: Cursor) -> Cursor:
    """Return the cursor; only its plugin can read it, so it is never changed.

    Raises:
        NotKeepableError: it cannot be kept as it is.
    """
    value: object = cursor.value
    if not isinstance(value, str) or len(value) > RAW_BYTES or clean(value) != value:
        cure = f"write text of at most {RAW_BYTES} characters without NUL and half surrogates"
        raise NotKeepableError(f"a Cursor whose value is {show(value)}; {cure}")
    return cursor


def check_removed(removed: Removed) -> Removed:
    """Return a removal that can be kept.

    Raises:
        NotKeepableError: a field is of a wrong type; names it and what to write.
    """
    if not is_key(removed.source_id):
        raise NotKeepableError(f"a Removed whose source_id is {show(removed.source_id)}; {_KEY}")
    return Removed(removed.source_id, _display(removed.reason, "a Removed whose reason", MAX_REASON))


def check_prepared(prepared: PreparedAsset | Removed | Skip) -> PreparedAsset | Removed | Skip:
    """Return what `transform` decided, with clean texts.

    Raises:
        NotKeepableError: a field is of a wrong type; names it and what to write.
    """
    if isinstance(prepared, Skip):
        return Skip(_display(prepared.reason, "a Skip whose reason"))
    if isinstance(prepared, Removed):
        return check_removed(prepared)
    which = "a PreparedAsset whose"
    if not isinstance(prepared.content, Content):
        raise NotKeepableError(f"{which} content is {show(prepared.content)}; write a damlink.Content")
    texts = {
        name: _deliverable(getattr(prepared, name), f"{which} {name}")
        for name in ("name", "description", "copyright")
    }
    if not texts["name"]:
        raise NotKeepableError(f"{which} name is empty; write what people see")
    tags = tuple(_deliverable(tag, f"{which} tags[{at}]") for at, tag in enumerate(prepared.tags))
    metaproperties = dict(_metaproperties(prepared.metaproperties, which))
    content = _deliverable(prepared.content_fingerprint, f"{which} content_fingerprint")
    clean_values: dict[str, Any] = {**texts, "tags": tags, "metaproperties": metaproperties}
    clean_values["content_fingerprint"] = _keep_fingerprint(content) if content else ""
    # `evolve` keeps a plugin's own subclass.
    return attrs.evolve(prepared, **clean_values)


def _metaproperties(values: object, which: str) -> Iterator[tuple[str, str | list[str]]]:
    if not isinstance(values, Mapping):
        raise NotKeepableError(f"{which} metaproperties is {show(values)}; write a dict of texts")
    for name, value in values.items():
        place = f"{which} metaproperties[{name!r:.80}]"
        key = _deliverable(name, f"{place}: the name")
        if isinstance(value, list | tuple):
            yield key, [_deliverable(each, f"{place}[{at}]") for at, each in enumerate(value)]
        else:
            yield key, _deliverable(value, place)


def check_finding(finding: Finding) -> Finding:
    """Return what `check` has found, with clean texts.

    Raises:
        NotKeepableError: a field is of a wrong type; names it and what to write.
    """
    if finding.error is not None and not isinstance(finding.error, DamlinkError):
        raise NotKeepableError(f"a Finding whose error is {show(finding.error)}; write an error of damlink")
    what = _display(finding.what, "a Finding whose what")
    return Finding(what, _display(finding.detail, "a Finding whose detail"), finding.error)


def _display(value: object, place: str, limit: int = 4000) -> str:
    """Return a text for people: nothing is an empty one, and a long one is cut off."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotKeepableError(f"{place} is {show(value)}; write text")
    return shorten(value, limit)


def _deliverable(value: object, place: str) -> str:
    """Return a text for the target, which is not cut off."""
    if not isinstance(value, str):
        raise NotKeepableError(f"{place} is {show(value)}; write text")
    if len(value) > MAX_FIELD:
        raise NotKeepableError(f"{place} has {len(value)} characters; write at most {MAX_FIELD}")
    return clean(value)


# --- after an effect -------------------------------------------------------------------------------


def keep_result(result: PushResult) -> PushResult:
    """Return what `push` said in a form that can be kept; the notice names what had to be changed.

    Raises:
        NotKeepableError: the target's id cannot be kept, so that the asset would not be found again.
    """
    target = str(result.target_id) if _is_number(result.target_id) else result.target_id
    if target != "" and not is_key(target):
        raise NotKeepableError(f"a PushResult whose target_id is {show(target)}; {_KEY}, or an empty one")
    changed: list[str] = ["target_id"] if _is_number(result.target_id) else []
    after = _nearest(result.fingerprint_after, "fingerprint_after", changed)
    content = _nearest(result.content_fingerprint, "content_fingerprint", changed)
    detail = _detail(result.detail, changed)
    url = _nearest(result.url, "url", changed)
    notice = _nearest(result.notice, "notice", changed) or ""
    if changed:
        altered = f"the plugin's result could not be kept as it was: {', '.join(changed[:10])}"
        notice = "; ".join(filter(None, (notice, altered)))
    after, content = (_keep_fingerprint(each) if each else None for each in (after, content))
    return PushResult(target, url, after, shorten(notice), detail, content_fingerprint=content)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nearest(value: object, place: str, changed: list[str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value if place.startswith(("fingerprint", "content")) else shorten(value)
    changed.append(place)
    return str(value) if _is_number(value) else None


def _detail(detail: object, changed: list[str]) -> dict[str, Any]:
    if not isinstance(detail, Mapping):
        changed.append("detail")
        return {}
    try:
        kept, places = nearest_json(detail, "detail")
    except Exception:  # noqa: BLE001 - a mapping of the plugin's own may break anywhere
        changed.append("detail")
        return {}
    changed += places
    return dict(_limit_size(kept, changed))


def _limit_size(detail: Mapping[str, Any], changed: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the entries in their order, without those that would make it too large."""
    left = DETAIL_BYTES
    for name, value in detail.items():
        size = len(json.dumps({name: value}))
        if size > left:
            changed.append(f"detail.{name}"[:80])
            continue
        left -= size
        yield name, value
