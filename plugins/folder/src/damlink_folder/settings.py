"""Settings of a hot folder, in the order of the questions of `damlink add`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

import attrs

from damlink import Secret, parse_url, setting, suggest

__all__ = ["FIELDS", "FolderSettings"]

FIELDS: Final = ("name", "description", "copyright", "tags")
_SFTP: Final = "sftp://"


@attrs.frozen
class FolderSettings:
    """Settings of one folder, on this machine or on an SFTP server."""

    address: str = setting(
        identifies="source",
        help="The folder: a path on this machine, or `sftp://user@host/path` for one on an SFTP server.",
    )
    include: tuple[str, ...] = setting(
        default=("*",), selects=True, help="Only files with such a name, as patterns like `*.jpg`."
    )
    ignore: tuple[str, ...] = setting(
        default=("*.part", "*.partial", "*.filepart", "*.crdownload", "*.tmp", "*.swp", "*~", "~$*"),
        selects=True,
        advanced=True,
        help="No files with such a name. Hidden files, `Thumbs.db` and `desktop.ini` never count.",
    )
    settle: timedelta = setting(
        default=timedelta(seconds=10),
        minimum=0,
        maximum=600,
        help="How long a file must be unchanged before it counts as complete.",
    )
    fingerprint: Literal["time", "digest"] = setting(
        default="time",
        advanced=True,
        help="What says that a file has changed: its size and time, or the SHA-256 of its bytes, for which "
        "every listing reads all files.",
    )
    sidecars: bool = setting(
        default=True,
        selects=True,
        help="Read metadata from `NAME.EXT.json`, `NAME.json` and the CSV files of each folder. Files that "
        "end in `.json` or `.csv` are then no assets.",
    )
    require_sidecar: bool = setting(
        when={"sidecars": True},
        default=False,
        selects=True,
        help="Leave a file alone until it has metadata.",
    )
    fields: Mapping[str, str] = setting(
        when={"sidecars": True},
        default=MappingProxyType({name: name for name in FIELDS}),
        help="The field of the metadata for `name`, `description`, `copyright` and `tags` of the asset.",
    )
    metaproperties: Mapping[str, str] = setting(
        when={"sidecars": True},
        default=MappingProxyType({}),
        help="The field of the metadata for each metaproperty, by the metaproperty's name or label.",
    )
    several: tuple[str, ...] = setting(
        when={"sidecars": True},
        default=(),
        help="Metaproperties with several values. Their text is split at `separator`, as that of tags is.",
    )
    separator: str = setting(
        when={"sidecars": True}, advanced=True, default=";", help="What separates several values in one text."
    )
    file_column: str = setting(
        when={"sidecars": True},
        advanced=True,
        default="file",
        help="The column of a CSV with the file's name.",
    )
    folders: Literal["ignore", "tags", "collection"] = setting(
        default="ignore",
        help="What the sub-folders of a file become: nothing; a tag each; or the collection that the asset "
        "goes to, by the name of the first one. The collection must exist.",
    )
    report: Literal["none", "csv", "json"] = setting(
        default="none",
        help="Write the results beside the files: a `damlink-report.csv` in each folder, or "
        "`NAME.EXT.damlink.json` for each file.",
    )
    move: bool = setting(
        default=False,
        help="Move a file and its sidecar to the folder `done` after its upload, and to `failed` if it is "
        "rejected.",
    )
    done: str = setting(
        when={"move": True},
        advanced=True,
        default="done",
        pattern=r"[^./\\][^/\\]*",
        help="The name of the folder for files that are in the portal.",
    )
    failed: str = setting(
        when={"move": True},
        advanced=True,
        default="failed",
        pattern=r"[^./\\][^/\\]*",
        help="The name of the folder for files that were rejected.",
    )
    on_removal: Literal["ignore", "archive", "delete"] = setting(
        default="ignore",
        help="What happens to an asset whose file is no longer in the folder. Files that Damlink has moved "
        "do not count.",
    )
    known_hosts: str = setting(
        default="",
        help="SFTP: the file with the server's key, in the form of OpenSSH's `known_hosts`. A server whose "
        "key is not in it is never signed in to.",
    )
    password: Secret | None = setting(default=None, help="SFTP: the user's password, if there is no key.")
    key_file: str = setting(
        default="", help="SFTP: the file with the user's private key, which only its owner may read."
    )
    key_passphrase: Secret | None = setting(
        when={"key_file": True}, advanced=True, default=None, help="SFTP: the passphrase of the private key."
    )

    @property
    def is_remote(self) -> bool:
        """Return whether the folder is on an SFTP server."""
        return self.address.startswith(_SFTP)

    def validate(self) -> Iterator[tuple[str, str]]:
        """Yield each setting that does not fit the others, with the reason."""
        for name in self.fields:
            if name not in FIELDS:
                yield f"fields.{name}", f"is no field of an asset{suggest(name, FIELDS)}"
        for name in self.several:
            if name not in self.metaproperties:
                yield "several", f"{name!r} is not in `metaproperties`"
        if not self.separator:
            yield "separator", "is empty"
        if self.move and self.done == self.failed:
            yield "failed", "is the same folder as `done`"
        yield from self._validate_remote() if self.is_remote else self._validate_local()

    def _validate_local(self) -> Iterator[tuple[str, str]]:
        if not self.address:
            yield "address", "is empty"
        elif "://" in self.address:
            yield "address", "is neither a path nor an address that begins with sftp://"

    def _validate_remote(self) -> Iterator[tuple[str, str]]:
        try:
            url = parse_url(self.address)
        except ValueError as error:
            yield "address", str(error)
            return
        if not url.host or not url.userinfo:
            yield "address", "names no user and host; write sftp://user@host/path"
        if b":" in url.userinfo:
            yield "address", "contains a password; set `password` in its place"
        if not self.known_hosts:
            yield "known_hosts", "is needed for SFTP; `ssh-keyscan HOST` prints the line of a server"
        if self.password is None and not self.key_file:
            yield "key_file", "is needed for SFTP, or a password"
        if self.report == "csv":
            yield "report", "of the form csv needs a folder on this machine; write `json`"
