"""The stand-in's API.

Source: imatag.com/api/doc (signing, lists, request ids); the rest is assumed, see
docs/reference/assumptions.md.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from damlink_imatag.sandbox import mark as marks
from damlink_imatag.sandbox.library import Item, Library
from damlink_sandbox import Refusal, Stored, application, send_file
from damlink_sandbox.mark import SECRET_MARK

BASE = "/api/v3"
USERNAME = "acme"
KEY = f"sandbox-imatag-key-{SECRET_MARK}"
CLIENT_ID, CLIENT_SECRET = "sandbox-imatag-client", f"sandbox-imatag-secret-{SECRET_MARK}"
LINK_SECONDS = 300.0
TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
TYPES |= {".tif": "image/tiff", ".tiff": "image/tiff"}
TYPES |= {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime"}


def refuse(status: int, detail: str, **headers: str) -> Refusal:
    """Return a refusal in the framework's usual form (assumed)."""
    return _refusal(status, {"detail": detail}, **headers)


def _refusal(status: int, body: Any, **headers: str) -> Refusal:
    return Refusal(JSONResponse(body, status, headers))


Handler = Callable[[Library, Request], Awaitable[Response]]


def api_service(library: Library) -> Starlette:
    """Return the API as an ASGI application."""
    lines: dict[str, Handler] = {
        "POST /oauth/token/": grant,
        "GET /account/": account,
        "GET /media/": listing,
        "POST /media/": upload,
        "GET /media/{id}/": state,
        "PATCH /media/{id}/": change,
        "GET /media/{id}/watermarked/": download,
        "POST /detect/": detect,
    }
    return application(
        {line.replace(" ", f" {BASE}"): _endpoint(library, each) for line, each in lines.items()}
    )


def files_service(library: Library) -> Starlette:
    """Return the host of signed addresses as an ASGI application."""
    return application({"GET /signed/{name}": partial(_serve_signed, library)})


def _endpoint(library: Library, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            if library.too_fast():
                raise refuse(
                    429, "Request was throttled. Expected available in 1 second.", **{"Retry-After": "1"}
                )
            if handler is not grant:
                _check_caller(library, request)
            response = await handler(library, request)
        except Refusal as refusal:
            response = refusal.response
        except ClientDisconnect:
            # The client cannot read an answer any more.
            response = Response(status_code=400)
        response.headers["X-Request-Id"] = library.token()
        return response

    return endpoint


def _check_caller(library: Library, request: Request) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not value:
        raise refuse(401, "Authentication credentials were not provided.")
    alive = library.tokens.get(value, 0.0) > library.world.clock.seconds()
    known = {"token": value == KEY, "bearer": alive}.get(scheme.lower(), False)
    if not known or library.switches.revoked:
        raise refuse(401, "Invalid token.")


async def grant(library: Library, request: Request) -> Response:
    """Client credentials, given as Basic credentials."""
    form = await request.form()
    given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {given}" or library.switches.revoked:
        raise _refusal(401, {"error": "invalid_client"})
    if form.get("grant_type") != "client_credentials":
        raise _refusal(400, {"error": "unsupported_grant_type"})
    token, life = library.token(), library.switches.token_seconds
    library.tokens[token] = library.world.clock.seconds() + life
    return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": int(life)})


async def account(library: Library, _request: Request) -> Response:
    """Return the account, with the directories for its files."""
    return JSONResponse({"username": USERNAME, "homedirs": library.switches.homedirs})


async def listing(library: Library, request: Request) -> Response:
    """Return the media that meet every filter, a page at a time."""
    query = request.query_params
    metadata = {name.removeprefix("metadata."): value for name, value in query.items() if "." in name}
    folder = query.get("directory", "").strip("/")
    with library.lock:
        found = [item for item in library.items.values() if _meets(item, folder, metadata)]
    size = min(_number(query.get("page_size"), library.switches.page_size), library.switches.page_size)
    page = _number(query.get("page"), 1)
    shown = found[(page - 1) * size : page * size]
    return JSONResponse(
        {
            "count": len(found),
            "next": _page_url(request, page + 1) if page * size < len(found) else None,
            "previous": _page_url(request, page - 1) if page > 1 else None,
            "media": [_render(library, item) for item in shown],
        }
    )


def _meets(item: Item, folder: str, metadata: Mapping[str, str]) -> bool:
    return (not folder or item.path.startswith(f"{folder}/")) and all(
        item.metadata.get(name) == value for name, value in metadata.items()
    )


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise refuse(404, "Invalid page.")
    return int(text)


def _page_url(request: Request, page: int) -> str:
    return str(request.url.include_query_params(page=page))


async def upload(library: Library, request: Request) -> Response:
    """Store a file and mark it."""
    async with request.form() as form:
        file, path = form.get("file"), str(form.get("path") or "")
        if not isinstance(file, UploadFile):
            raise _refusal(400, {"file": ["No file was submitted."]})
        path = _check_path(library, path)
        metadata = _metadata(str(form.get("metadata") or "{}"))
        media_type = TYPES[PurePosixPath(path).suffix.lower()]
        most = library.switches.most_bytes
        if most and (file.size or 0) > most:
            raise refuse(413, "The file is too large.")
        item = await run_in_threadpool(library.add, path, media_type, file.file, metadata)
    return JSONResponse(_render(library, item), 201)


def _check_path(library: Library, given: str) -> str:
    path = unicodedata.normalize("NFC", given)
    parts = path.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise _refusal(400, {"path": ["Enter a valid path."]})
    if parts[0] not in library.switches.homedirs:
        raise _refusal(400, {"path": ["The path must begin with one of your home directories."]})
    if PurePosixPath(path).suffix.lower() not in {*marks.IMAGES, *marks.VIDEOS}:
        raise refuse(415, f"Unsupported media type {PurePosixPath(path).suffix!r}.")
    if library.has_path(path):
        raise refuse(409, "There is a media at this path already.")
    return path


def _metadata(text: str) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise _refusal(400, {"metadata": ["Value must be valid JSON."]}) from error
    if not isinstance(metadata, dict):
        raise _refusal(400, {"metadata": ["Value must be an object."]})
    return metadata


def _item(library: Library, request: Request) -> Item:
    item = library.items.get(request.path_params["id"])
    if item is None:
        raise refuse(404, "Not found.")
    return item


async def state(library: Library, request: Request) -> Response:
    """Return one media as it is now."""
    return JSONResponse(_render(library, _item(library, request)))


async def change(library: Library, request: Request) -> Response:
    """Other metadata."""
    item = _item(library, request)
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise refuse(400, "JSON parse error") from error
    item.metadata = {**item.metadata, **_metadata(json.dumps(body.get("metadata", {})))}
    return JSONResponse(_render(library, item))


async def download(library: Library, request: Request) -> Response:
    """Return the marked file, or a redirect to it."""
    item = _item(library, request)
    if item.gone:
        raise refuse(410, "The file is no longer available.")
    if library.state_of(item) != "ready":
        raise refuse(409, "The media is not ready.")
    if not library.switches.redirect:
        return _bytes(item, request)
    name = library.token()
    library.links[name] = (item, library.world.clock.seconds() + LINK_SECONDS)
    return RedirectResponse(
        f"{library.world.origins['imatag-files']}/signed/{name}?signature={library.token()}", 302
    )


def _bytes(item: Item, request: Request) -> Response:
    name = PurePosixPath(item.path).name
    return send_file(request.method, request.headers, Stored.at(item.marked, name), filename=name)


async def _serve_signed(library: Library, request: Request) -> Response:
    item, until = library.links.get(request.path_params["name"], (None, 0.0))
    if "authorization" in request.headers:
        return Response("credentials do not belong here", 400)
    if item is None or until <= library.world.clock.seconds():
        return Response("expired", 403)
    return _bytes(item, request)


async def detect(library: Library, request: Request) -> Response:
    """Detect the mark in a file (the stand-in's own; a suspect file is searched in another way)."""
    async with request.form() as form:
        data = await cast(UploadFile, form["file"]).read()
    item = await run_in_threadpool(library.detect, data)
    return JSONResponse({"media": _render(library, item) if item else None})


def _render(library: Library, item: Item) -> dict[str, Any]:
    state_now = library.state_of(item)
    code, message = item.problem if item.problem and state_now == "failed" else (None, None)
    return {
        "id": item.id,
        "path": item.path,
        "state": state_now,
        "mime_type": item.media_type,
        "size": item.size,
        "sha256": item.sha256,
        "metadata": dict(item.metadata),
        "created_at": item.created_at,
        "error_code": code,
        "error_message": message,
    }
