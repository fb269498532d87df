"""Taking files: who asks, for what, the bytes fetched and measured.

Source: assumed; see docs/reference/assumptions.md.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response

from damlink_gelato.sandbox.library import Account, File, Library
from damlink_gelato.sandbox.wire import Call, refusal
from damlink_sandbox import Refusal

_WANTED = ("source", "name", "folder")
_ORIGIN = ("system", "domain", "assetId", "itemId", "version")
_PIECE = 1 << 20


def catalogs(library: Library, call: Call) -> Response:
    """`GET /v3/catalogs`: for any good key."""
    with library.lock:
        keys = {account.key for account in library.accounts.values() if not account.revoked}
    if call.headers.get("x-api-key") not in keys:
        raise refusal(401, "UNAUTHORIZED", "Access denied")
    return JSONResponse({"data": [{"catalogUid": "posters", "title": "Posters"}]})


def status(library: Library, call: Call) -> Response:
    """`GET /dam/v1/accounts/{account}/files/{file}`."""
    with library.lock:
        account = _account(library, call)
        file = library.files.get(call.path["file"])
        if file is None or file.account != account.id:
            raise refusal(404, "FILE_NOT_FOUND", "no such file in this account")
        return _answer(library, file, status=200)


def take(library: Library, call: Call) -> Response:
    """`POST /dam/v1/accounts/{account}/files:import`: the same key, the same answer."""
    with library.lock:
        account = _account(library, call)
    key = call.headers.get("idempotency-key", "")
    if not key:
        raise refusal(400, "INVALID_REQUEST", "Idempotency-Key is missing")
    with library.turn(account.id, key):
        known = _replay(library, account, key, call)
        return known or _accept(library, account, key, call)


def _account(library: Library, call: Call) -> Account:
    key = call.headers.get("x-api-key", "")
    account = library.accounts.get(call.path["account"])
    keys = {each.key: each for each in library.accounts.values() if not each.revoked}
    if key not in keys:
        raise refusal(401, "UNAUTHORIZED", "unknown API key")
    if account is None:
        raise refusal(404, "ACCOUNT_NOT_FOUND", "no such account")
    if keys[key] is not account:
        raise refusal(403, "FORBIDDEN", "the key belongs to another account")
    return account


def _replay(library: Library, account: Account, key: str, call: Call) -> Response | None:
    """Return the answer for an original that is here already; errors are not replayed."""
    _check(call)
    with library.lock:
        file = library.files.get(library.keys.get((account.id, key), ""))
        if file is not None and file.source != call.fields["source"]:
            # Assumed: a key stands for one original.
            raise refusal(409, "KEY_REUSED", "the key was used for another original")
        if file is not None and file.failure is None and not library.switches.replay_conflicts:
            return _answer(library, file)
        file = library.of_item(account.id, call.fields["source"])
        if file is None:
            return None
        facts = _facts(library, file)
    raise refusal(409, "ALREADY_IMPORTED", "this original is in the library already", facts)


def _check(call: Call) -> None:
    missing = [name for name in _WANTED if not call.fields.get(name)]
    source = call.fields.get("source")
    if isinstance(source, dict):
        missing += [f"source.{name}" for name in _ORIGIN if not source.get(name)]
    if call.file is None and not str(call.fields.get("fileUrl", "")).startswith(("https://", "http://127.")):
        missing.append("fileUrl")
    if missing:
        raise refusal(400, "INVALID_REQUEST", f"missing: {', '.join(missing)}")


def _accept(library: Library, account: Account, key: str, call: Call) -> Response:
    with library.lock:
        _refuse_if_scripted(library)
        switches, now = library.switches, library.world.clock.seconds()
    name, folder = str(call.fields["name"]), str(call.fields["folder"])
    file_id, path = library.new_path(account.id, folder, name)
    try:
        size, digest = _store(call, path, switches.slow)
        _measure(call, size, digest, switches.most_bytes)
    except Refusal:
        path.unlink(missing_ok=True)
        raise
    with library.lock:
        file = File(
            file_id, account.id, folder, name, str(call.fields.get("mimeType", "")), path, size, digest,
            dict(call.fields["source"]), library.checkout_url(file_id),
            available_at=now + switches.processing, linked_at=now + switches.link_lag,
            failure=_failure(library),
        )  # fmt: skip
        library.files[file_id] = file
        library.keys[account.id, key] = file_id
        library.world.counts.add("gelato-imports")
        return _answer(library, file)


def _refuse_if_scripted(library: Library) -> None:
    if library.refusals:
        scripted = library.refusals[0]
        scripted.times -= 1
        if scripted.times <= 0:
            library.refusals.pop(0)
        raise refusal(scripted.status, scripted.code, scripted.message)


def _failure(library: Library) -> dict[str, str] | None:
    if library.failures <= 0:
        return None
    library.failures -= 1
    return {"code": "FILE_UNREADABLE", "message": "the file cannot be read"}


def _store(call: Call, path: Path, slow: float) -> tuple[int, str]:
    """Write the file's bytes and return their number and digest."""
    digest, size = hashlib.sha256(), 0
    time.sleep(slow)
    with path.open("wb") as out:
        for piece in _read_upload(call) if call.file is not None else _fetch(call):
            out.write(piece)
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _read_upload(call: Call) -> Iterator[bytes]:
    file = call.file.file if call.file else None
    while file is not None and (piece := file.read(_PIECE)):
        yield piece


def _fetch(call: Call) -> Iterator[bytes]:
    ends = call.fields.get("fileUrlExpiresAt")
    if ends and datetime.fromisoformat(ends).timestamp() <= time.time():
        raise _unreachable("its address has expired")
    try:
        with (
            httpx.Client(follow_redirects=True, trust_env=False, timeout=30) as client,
            client.stream("GET", call.fields["fileUrl"]) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise _unreachable(f"its host answered {response.status_code}")
            yield from response.iter_bytes(_PIECE)
    except httpx.HTTPError as error:
        raise _unreachable(type(error).__name__) from error


def _unreachable(why: str) -> Exception:
    return refusal(422, "FILE_URL_UNREACHABLE", f"the file cannot be fetched: {why}")


def _measure(call: Call, size: int, digest: str, most_bytes: int) -> None:
    if size > most_bytes:
        raise refusal(413, "FILE_TOO_LARGE", f"at most {most_bytes} bytes")
    if call.fields.get("size", size) != size:
        raise refusal(400, "SIZE_MISMATCH", f"{size} bytes came")
    if call.fields["source"].get("sha256", digest) != digest:
        raise refusal(400, "CHECKSUM_MISMATCH", f"SHA-256 is {digest}")


def _answer(library: Library, file: File, *, status: int = 202) -> Response:
    """Return a file as JSON; `status` is the answer while it is processed."""
    facts = _facts(library, file)
    return JSONResponse(facts, status if facts["status"] == "processing" else 200)


def _facts(library: Library, file: File) -> dict[str, Any]:
    now = library.world.clock.seconds()
    if now < file.available_at:
        return {"fileId": file.id, "status": "processing"}
    if file.failure is not None:
        return {"fileId": file.id, "status": "failed", **file.failure}
    facts = {"fileId": file.id, "status": "available", "folder": file.folder}
    return facts | ({"checkoutUrl": file.checkout_url} if now >= file.linked_at else {})
