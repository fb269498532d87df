"""Any request to the portal, for what no other method covers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import attrs
import httpx
import msgspec

from damlink._http import TERMS, Client, origin_of
from damlink._retry import Terms
from damlink.bynder._action import action
from damlink.bynder._fields import text_of
from damlink.errors import BynderError

__all__ = ["Raw", "RawAnswer"]

Kind = Literal["json", "text", "bytes"]
_File = tuple[str, tuple[str | None, bytes | BinaryIO]]


@attrs.frozen(kw_only=True)
class RawAnswer:
    """An answer as it came.

    Attributes:
        status: such as 200.
        headers: by name, in lower case.
        body: JSON, text or bytes, as asked for; `None` where JSON was asked for and nothing came.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = attrs.field(repr=False)


class Raw:
    """Any request to the portal, for what no other command covers.

    Args:
        elsewhere: a client that signs nothing, for other hosts.
    """

    def __init__(self, client: Client, elsewhere: Client) -> None:
        self._client = client
        self._elsewhere = elsewhere

    @action("Raw Request")
    def request(
        self,
        method: str,
        path: str,
        /,
        *,
        query: Sequence[str] | Mapping[str, Any] | None = None,
        json: Any = None,
        body: str | bytes | None = None,
        form: Mapping[str, Any] | None = None,
        multipart: bool = False,
        files: Mapping[str, Path] | None = None,
        filenames: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        response: Kind = "json",
        timeout: float | None = None,
        max_retries: int = 0,
        retry_delay_ms: int = 0,
        exponential_backoff: bool = False,
        retry_on_all_errors: bool = False,
    ) -> RawAnswer:
        """Send any request: signed, paced, and repeated as often as said here, whatever its method is.

        Args:
            method: such as GET or POST.
            path: of the portal, or a whole address; that of another host is asked without credentials.
            query: `name=value`, as often as needed.
            json: what to send as JSON.
            body: what to send as it is; name its kind with the header `Content-Type`.
            form: fields to send as a form.
            multipart: send the form as multipart/form-data even if no file is with it.
            files: to send in a multipart form: the path of each by the name of its field.
            filenames: what the files are to be called, by the same names of fields.
            headers: to send besides.
            response: what the answer holds.
            timeout: seconds to wait for an answer; 60 if not given.
            max_retries: how often to send it again, at most.
            retry_delay_ms: milliseconds between two tries.
            exponential_backoff: pauses that double instead, from half a second to a minute.
            retry_on_all_errors: after any refusal, and not only after a 5xx or a broken connection.

        Raises:
            BynderError: the portal refuses it, or the arguments do not fit together.
            UnclearError: it may or may not have happened.
        """
        terms = Terms(
            retries=max_retries,
            delay_seconds=retry_delay_ms / 1000,
            exponential=exponential_backoff,
            on_all_errors=retry_on_all_errors,
        )
        client, url = self._target(path)
        with contextlib.ExitStack() as open_files:
            opened = _files(files, filenames, open_files)
            answer = client.request(
                method.upper(),
                url.copy_merge_params(_query(query)) if query else url,
                headers=dict(headers or {}),
                timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                extensions={TERMS: terms},
                **_content(json, body, form, opened, multipart=multipart),
            )
        return RawAnswer(
            status=answer.status_code, headers=dict(answer.headers), body=_read(answer, response)
        )

    def _target(self, path: str) -> tuple[Client, httpx.URL]:
        """Who sends it, and where to: our client signs and paces, and is for the portal alone."""
        own, url = self._client.origin, httpx.URL(path)
        if not url.host:
            return self._client, url
        url = own.join(url)
        return self._client if origin_of(url) == origin_of(own) else self._elsewhere, url


def _query(given: Sequence[str] | Mapping[str, Any]) -> httpx.QueryParams:
    if isinstance(given, Mapping):
        return httpx.QueryParams(dict(given))
    pairs = (pair.partition("=") for pair in ([given] if isinstance(given, str) else given))
    return httpx.QueryParams([(name, value) for name, _, value in pairs])


def _content(
    json: Any,
    body: str | bytes | None,
    form: Mapping[str, Any] | None,
    files: Sequence[_File],
    *,
    multipart: bool,
) -> dict[str, Any]:
    """What goes into the request, in httpx's words."""
    given = {"json": json is not None, "body": body is not None, "form": bool(form or files)}
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise BynderError(f"a request has one content, not {' and '.join(chosen)}")
    if body is not None:
        return {"content": body}
    if json is not None:
        return {"json": json}
    if multipart:
        files = [*_plain(form or {}), *files]
        return {"files": files} if files else {}
    return {"data": dict(form or {}), "files": files}


def _plain(form: Mapping[str, Any]) -> Iterator[_File]:
    """The fields of a form as httpx sends them in parts though there is no file."""
    for name, value in form.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            yield name, (None, text_of(each).encode())


def _files(
    given: Mapping[str, Path] | None,
    filenames: Mapping[str, str] | None,
    open_files: contextlib.ExitStack,
) -> list[_File]:
    """The files of a multipart form, opened; they keep their names unless others are given."""
    paths = {field: Path(path) for field, path in (given or {}).items()}
    names = {field: path.name for field, path in paths.items()} | dict(filenames or {})
    if strangers := sorted(names.keys() - paths.keys()):
        raise BynderError(f"a file name is given for {', '.join(strangers)}, and no file")
    return [(field, (names[field], open_files.enter_context(_opened(path)))) for field, path in paths.items()]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise BynderError(f"cannot read {path}: {error.strerror}") from error
    with file:
        yield file


def _read(answer: httpx.Response, kind: Kind) -> Any:
    if kind != "json":
        return answer.content if kind == "bytes" else answer.text
    if not answer.content.strip():
        return None
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError as error:
        hint = "ask for the answer as text or bytes"
        message = f"{answer.url.host} answered {answer.status_code} without JSON"
        raise BynderError(message, hint=hint, status=answer.status_code) from error
