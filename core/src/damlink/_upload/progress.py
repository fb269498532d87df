"""Progress of one upload: one record under the reserved name `damlink.upload` of its checkpoint.

Its JSON form, number 1, with every part left out that does not apply:

    {"format": 1, "upload": {…}, "import": {…}, "save": {…}, "saved": "id", "version": 3, "not_ready": "…Z",
     "kind": "asset"}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs
from cattrs import ClassValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter

from damlink._checkpoint import UPLOAD_RECORD, Checkpoint, move_early_upload
from damlink._upload.session import UploadSession
from damlink._upload.transports import TRANSPORT_OF_SETTING
from damlink.errors import UploadError

__all__ = ["Conversion", "SaveAttempt", "UploadProgress", "UploadRecord"]

FORMAT: Final = 1


@attrs.frozen(kw_only=True)
class Conversion:
    """A finalised upload, until it is saved.

    Attributes:
        id: the import or file that a save names.
        is_polled: whether the portal's poll shows the end of the conversion.
    """

    id: str
    crc32: int
    size: int
    filename: str
    since: datetime
    is_polled: bool = True


@attrs.frozen(kw_only=True)
class SaveAttempt:
    """The save that was sent last, and the earlier ones, none of which got an answer.

    Attributes:
        since: time of the first one by the portal's clock; the saved asset is not older.
        sizes: sizes of the files sent; several if the source changed between two attempts.
        tries: number of saves sent.
        lost: time when a process found that there is no answer.
    """

    since: datetime
    sizes: tuple[int, ...]
    filename: str
    tries: int
    lost: datetime | None = None


@attrs.frozen(kw_only=True)
class UploadProgress:
    """Steps of one upload that are done, and what the next step needs.

    Attributes:
        session: the open upload; in JSON `upload`.
        conversion: the finalised upload; in JSON `import`.
        save: the save that may have been sent.
        saved_id: id of the saved asset or file; in JSON `saved`.
        base_version: version of the asset when an upload of a new version began; in JSON `version`.
        not_ready_since: time since which the portal answers "not ready"; in JSON `not_ready`.
        kind: what was saved, `asset`, `version` or `additional`; empty in records of earlier versions.
    """

    session: UploadSession | None = None
    conversion: Conversion | None = None
    save: SaveAttempt | None = None
    saved_id: str | None = None
    base_version: int | None = None
    not_ready_since: datetime | None = None
    kind: str = ""


class UploadRecord:
    """Stored progress of one upload. A change is durable when `update` returns."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        move_early_upload(checkpoint)
        self._checkpoint = checkpoint

    @property
    def progress(self) -> UploadProgress:
        """The progress as it is stored.

        Raises:
            UploadError: the record is damaged, or of a newer version of Damlink.
        """
        stored = self._checkpoint.get(UPLOAD_RECORD) or {}
        if stored.get("format", FORMAT) != FORMAT:
            raise UploadError("the upload was begun by a newer version of Damlink", hint="update damlink")
        try:
            return _converter.structure(stored if "format" in stored else _upgrade(stored), UploadProgress)
        except (ClassValidationError, KeyError, TypeError, ValueError) as error:
            hint = "look in the portal for the asset, then begin with an empty checkpoint"
            raise UploadError("the stored progress of the upload cannot be read", hint=hint) from error

    def update(self, **changes: Any) -> None:
        """Store changed parts of the progress; `None` removes one."""
        changed = _converter.unstructure(attrs.evolve(self.progress, **changes))
        self._checkpoint.put(**{UPLOAD_RECORD: {"format": FORMAT, **changed} if changed else None})


def _upgrade(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of a version before 0.2, which had no `format`, in form 1."""
    upgraded = dict(stored)
    if session := stored.get("upload"):
        upgraded["upload"] = session | {"transport": TRANSPORT_OF_SETTING[session.get("flow", "v4")]}
    if conversion := stored.get("import"):
        upgraded["import"] = conversion | {"is_polled": conversion.get("polls", True)}
    if (attempt := stored.get("save")) and "sizes" not in attempt:
        upgraded["save"] = attempt | {"sizes": [attempt["size"]] if "size" in attempt else []}
    return upgraded


_JSON_NAMES: Final[dict[str, Any]] = {
    "session": override(rename="upload"),
    "conversion": override(rename="import"),
    "saved_id": override(rename="saved"),
    "base_version": override(rename="version"),
    "not_ready_since": override(rename="not_ready"),
}
_converter = make_converter(omit_if_default=True)
_converter.register_unstructure_hook(
    UploadProgress,
    make_dict_unstructure_fn(UploadProgress, _converter, _cattrs_omit_if_default=True, **_JSON_NAMES),
)
_converter.register_structure_hook(
    UploadProgress, make_dict_structure_fn(UploadProgress, _converter, **_JSON_NAMES)
)
