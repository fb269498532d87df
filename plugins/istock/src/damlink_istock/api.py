"""Requests to iStock's API and its answers. No other module knows its JSON.

Source: the Getty Images API v3 definition (iStock accounts use it), and developers.gettyimages.com.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from damlink import AssetRejectedError, Client, Response, TransientError, parse_url, read_as
from damlink_istock.settings import IStockSettings

__all__ = ["DownloadRow", "Metadata", "Product", "Size", "download", "downloads", "metadata", "products"]

# One answer holds no more rows.
PAGE: Final = 100
NOT_FOUND: Final = 404
# A refusal is iStock's own, and no gateway's, if one of these fields has a text.
ERROR_FIELDS: Final = ("ErrorCode", "ErrorMessage", "message", "error")
# Rows of a window can vanish while it is read: then it is read again, so often at most.
MOST_READINGS: Final = 5


@attrs.frozen
class Dimensions:
    """Size of the licensed file, in pixels."""

    width: float | None = None
    height: float | None = None


@attrs.frozen
class DownloadRow:
    """One licensed download. The user is not read: it is personal data."""

    id: str
    date_downloaded: str
    asset_type: str = ""
    size_name: str | None = None
    dimensions: Dimensions | None = None

    @property
    def kind(self) -> str:
        """Return `image`, `video`, or iStock's own word for any other kind. Vectors are images here."""
        word = self.asset_type.lower()
        return {"film": "video"}.get(word, word)

    @property
    def height(self) -> int:
        """Return the licensed height in pixels; 0 if iStock does not send it."""
        return int(self.dimensions.height or 0) if self.dimensions else 0

    @property
    def moment(self) -> datetime:
        """Return the time of the licence. The API promises UTC, without a zone in the text."""
        parsed = datetime.fromisoformat(self.date_downloaded)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


@attrs.frozen
class DownloadsPage:
    """One page of licensed downloads."""

    downloads: list[DownloadRow] = attrs.field(factory=list)
    result_count: int = 0


@attrs.frozen
class Size:
    """One size that iStock offers of an asset."""

    name: str | None = None
    height: float | None = None
    media_type: str | None = None


@attrs.frozen
class Metadata:
    """Metadata of an asset. Videos have no `credit_line`."""

    id: str
    title: str | None = None
    artist: str | None = None
    credit_line: str | None = None
    copyright: str | None = None
    collection_name: str | None = None
    graphical_style: str | None = None
    download_sizes: list[Size] | None = None


@attrs.frozen
class Images:
    """Metadata of several images."""

    images: list[Metadata] = attrs.field(factory=list)


@attrs.frozen
class Videos:
    """Metadata of several videos."""

    videos: list[Metadata] = attrs.field(factory=list)


@attrs.frozen
class Product:
    """One product of the account: a subscription, or credits."""

    type: str = ""
    id: int | None = None
    downloads_remaining: int | None = None
    credits_remaining: int | None = None
    download_limit_reset_utc_date: str | None = None


@attrs.frozen
class Products:
    """The account's products."""

    products: list[Product] = attrs.field(factory=list)


@attrs.frozen
class DownloadUri:
    """Address of a licensed file, valid for 24 hours."""

    uri: str


def downloads(
    http: Client, settings: IStockSettings, begin: datetime, end: datetime, *, company: bool
) -> Iterator[list[DownloadRow]]:
    """Yield the licensed downloads of one closed window, page by page, in no particular order.

    All pages are read again if rows vanish meanwhile: later rows move forward and could be missed.

    Args:
        begin: inclusive.
        end: inclusive; at most 30 days later.
        company: list the whole organisation's downloads.

    Raises:
        TransientError: rows vanish in each reading.
    """
    query = {
        "date_from": _moment(begin),
        "date_to": _moment(end),
        "use_time": "true",
        "product_type": settings.product_type,
        "company_downloads": "true" if company else "false",
        "page_size": PAGE,
    }
    for _ in range(MOST_READINGS):
        if (yield from _pages(http, query)):
            return
    raise TransientError("iStock's list of downloads keeps changing while it is read")


def _pages(http: Client, query: Mapping[str, Any]) -> Generator[list[DownloadRow], None, bool]:
    """Yield page after page; return `False` if rows vanished meanwhile."""
    count = total = 0
    for number in itertools.count(1):
        page = read_as(_get(http, "/v3/downloads", **query, page=number), DownloadsPage)
        if page.downloads:
            yield page.downloads
        if 0 < page.result_count < total:
            return False
        total = page.result_count
        count += len(page.downloads)
        if len(page.downloads) < PAGE or (total and count >= total):
            break
    return True


def metadata(http: Client, kind: str, ids: Iterable[str]) -> dict[str, Metadata]:
    """Return the metadata of up to 100 assets of one kind, by id. Assets without metadata are left out."""
    query = {"ids": ",".join(ids), "fields": "detail_set"}
    if not query["ids"]:
        return {}
    try:
        response = _get(http, f"/v3/{kind}s", **query)
    except AssetRejectedError as error:
        # iStock answers 404 if it has none of the assets.
        if error.status == NOT_FOUND:
            return {}
        raise
    found = read_as(response, Videos).videos if kind == "video" else read_as(response, Images).images
    return {each.id: each for each in found}


def products(http: Client) -> list[Product]:
    """Return the products of the account."""
    return read_as(_get(http, "/v3/products"), Products).products


def download(http: Client, kind: str, asset_id: str, settings: IStockSettings, **choice: Any) -> str:
    """Request a licensed file, which costs a download of the allowance, or credits. Never repeated here.

    Args:
        choice: `height` and `file_type` of an image, `size` of a video.

    Returns:
        The address of the file, valid for 24 hours.
    """
    query: dict[str, Any] = {"auto_download": "false", "product_type": settings.product_type, **choice}
    if settings.product_id is not None:
        query["product_id"] = settings.product_id
    if settings.use_team_credits:
        query["use_team_credits"] = "true"
    given = {"download_notes": settings.download_notes, "project_code": settings.project_code}
    body = {name: value for name, value in given.items() if value} or None
    with_body: dict[str, Any] = {"json": body} if body else {}
    path = f"/v3/downloads/{kind}s/{asset_id}"
    return http.send_once("POST", path, read=_address, error_fields=ERROR_FIELDS, params=query, **with_body)


def _address(response: Response) -> str:
    """Return the address of a file.

    Raises:
        ValueError: the answer has no address.
    """
    uri = read_as(response, DownloadUri).uri
    if parse_url(uri).scheme not in ("https", "http"):
        raise ValueError(f"{uri!r:.100} is no address")
    return uri


def _get(http: Client, path: str, **query: Any) -> Response:
    return http.get(path, params=query)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
