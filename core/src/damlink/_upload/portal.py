"""One Bynder portal as plugins and scripts use it: the client, and the upload above it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Unpack

import httpx

from damlink._checkpoint import Checkpoint
from damlink._http.connection import TIMEOUT, Cert, Trust
from damlink._http.rate_limiter import RateLimiter
from damlink._http.redact import SentRequest
from damlink._model import PreparedAsset, PushResult
from damlink._secret import Secret
from damlink._upload.file_uploads import FileUploads, UploadTarget
from damlink._upload.given_source import UploadSource, open_given
from damlink._upload.part_sizes import Memory, PartSizes
from damlink._upload.progress_report import Progress
from damlink._upload.resumable_upload import Uploader
from damlink._upload.save import Saver
from damlink.bynder._portal import PortalClient

__all__ = ["Portal"]


class Portal(PortalClient):
    """A Bynder portal: one attribute for each resource, and the upload.

    Args:
        url: the portal's address.
        auth: signs requests to the portal and to no other host. A secret is a permanent token.
        pace: rate limiter of the portal's requests: that of this machine, which all programs that use Damlink
            share; or another; `None`: none, and it is for you to stay below the portal's limit.
        brand: name or id of the brand of new assets; optional if the portal has one brand only.
        index_lag: seconds that a new asset may take to appear in the portal's lists.
        uploads: transport of new uploads: `v4` by S3, or `v7` by the portal's files service.
        place: place of the portal in the config, for error messages.
        on_bytes: called with the bytes of an upload that are sent, as a number.
        verify_before_send: called before every request; raises an error to stop it.
        on_request: called with every request that is sent, secrets redacted.
        open_memory: opens the durable values in which it is remembered that the portal refuses large parts.
        timeout: seconds for connecting, writing and reading, or an `httpx.Timeout`; `None`: no limit.
        proxy: address of a proxy for every request; empty: none. If not given, that of the environment.
        transport: an `httpx.BaseTransport` that sends the requests, below the pace and the log.
        verify: `False`: no certificate is verified; a file or folder of authorities; or an `ssl.SSLContext`.
        cert: file with the client's certificate and key, or the files of both, and then the key's password.
        local_address: of this machine, which direct requests leave from; if not given, the system chooses.

    Raises:
        ArgumentError: the arguments exclude each other, a file of certificates cannot be read, or this
            machine does not have the address.
        StateError: the file of the machine's pace cannot be used.
    """

    uploads: FileUploads

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | Secret,
        *,
        pace: RateLimiter | Literal["machine"] | None = "machine",
        brand: str = "",
        index_lag: float = 30.0,
        uploads: Literal["v4", "v7"] = "v4",
        place: str = "portal",
        on_bytes: Callable[[int], None] = lambda _count: None,
        verify_before_send: Callable[[], None] | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
        open_memory: Callable[[], Memory] | None = None,
        timeout: float | httpx.Timeout | None = TIMEOUT,
        proxy: str | httpx.Proxy | None = None,
        transport: httpx.BaseTransport | None = None,
        verify: Trust = True,
        cert: Cert | None = None,
        local_address: str | None = None,
    ) -> None:
        super().__init__(
            url,
            auth,
            pace=pace,
            brand=brand,
            place=place,
            verify_before_send=verify_before_send,
            on_request=on_request,
            timeout=timeout,
            proxy=proxy,
            transport=transport,
            verify=verify,
            cert=cert,
            local_address=local_address,
        )
        self.index_lag = index_lag
        saver = Saver(self.uploads, self.assets, now=self._client.remote_now, index_lag=index_lag)
        self._uploader = Uploader(
            self.uploads,
            self.files,
            self.assets,
            saver,
            self._upload_check,
            setting=uploads,
            sizes=PartSizes(url, open_memory),
            on_bytes=on_bytes,
        )
        self.uploads = FileUploads(self._client, self._s3, self.metaproperties, self._uploader)

    def upload(
        self,
        prepared: PreparedAsset,
        checkpoint: Checkpoint,
        *,
        brand: str | None = None,
        waiting_room: bool = False,
        version_of: str | None = None,
        additional_to: str | None = None,
        marker: str | None = None,
        previous: PushResult | None = None,
        replace_tags: bool = False,
    ) -> PushResult:
        """Upload an asset: as a new asset, as a version of another, or as a file beside one.

        Safe to repeat with the same checkpoint: it continues where it stopped and never saves twice.

        Args:
            brand: by name or id; the portal's own choice if not given.
            marker: the tag, or `name=value` of a metaproperty, that only this source asset carries;
                with it a save without an answer can be looked up. If not given, the tag equal to
                the source asset's id, where it has one.
            version_of: id of an asset; its description, copyright, tags and metaproperties follow, its name
                stays. An empty text changes nothing, and tags that people added stay.
            additional_to: id of an asset, which is not changed otherwise.
            previous: what the last push of this source asset returned. Its asset becomes a version, with
                name and metadata; or only name and metadata are changed, and no byte is sent, if the
                `content_fingerprint` is the same. `None`, or one without an id: a new asset. An asset that
                `archive` has archived is taken out of the archive.
            replace_tags: take those tags off that the last push gave the asset and this one does not. Tags
                that people added stay. The `detail` of the result keeps the tags for the next push, as
                `damlink.tags`: keep that if you add to it.

        Raises:
            ArgumentError: more than one of `version_of`, `additional_to` and `previous` is given.
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: it cannot be determined whether the asset was saved.
            AssetRejectedError: the portal rejects the file.
            BynderAuthError: the credentials, or the profile's roles, do not permit it.
        """
        return self._uploader.upload(
            prepared,
            checkpoint,
            brand=brand,
            waiting_room=waiting_room,
            version_of=version_of,
            additional_to=additional_to,
            marker=marker,
            previous=previous,
            replace_tags=replace_tags,
        )

    def archive(self, previous: PushResult | None) -> PushResult | None:
        """Archive the asset of an earlier push, because its source no longer offers it. Safe to repeat.

        Return the result from `push`: if the source offers the asset again, it is `previous`, and `upload`
        takes the asset out of the archive.

        Args:
            previous: result of the last push.

        Returns:
            `previous`, whose `detail` says that the asset is archived; `None` if nothing was pushed, or the
            portal no longer has the asset: then return the `Removed`.
        """
        return self._uploader.archive(previous)

    def upload_file(
        self,
        source: UploadSource,
        *,
        filename: str | None = None,
        name: str | None = None,
        description: str = "",
        copyright: str = "",
        tags: Sequence[str] = (),
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        notes: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
        **to: Unpack[UploadTarget],
    ) -> PushResult:
        """Upload a file of any size, wait until the portal has saved it, and return its id as `target_id`.

        Args:
            source: a path; an address that begins with `http`, which gets no credentials; bytes; a stream
                opened for reading bytes, from its present position on; or a `Content`.
            filename: with its extension, from which the portal derives the type; by default that of the
                source. Bytes need one.
            name: of the asset; the name of the file without its extension by default.
            description: of the asset.
            copyright: of the asset.
            tags: of the asset.
            metaproperties: values by name, label or id.
            notes: file for the progress of the upload, so that the same call resumes after a crash and never
                saves twice. It is removed at the end.
            progress: called with the bytes that are sent so far and those of the whole file, also from
                other threads, but not at the same time. If it raises, the upload stops. If the upload must be
                begun again, the first number goes back.
            to: see `UploadTarget`.

        Raises:
            ArgumentError: it is no source, or its file has no name.
            UnclearError: it cannot be determined whether the file was saved.
            AssetRejectedError: the portal rejects the file.
            BynderAuthError: the credentials, or the profile's roles, do not permit it.
        """
        with open_given(source, filename, self._s3) as content:
            return self.uploads.upload_whole(
                content,
                None if notes is None else Path(notes),
                progress,
                name=name,
                description=description,
                copyright=copyright,
                tags=tags,
                metaproperties=metaproperties,
                **to,
            )
