"""Saving an import: as a new asset, as a version, or an upload as an additional.

Source: api.bynder.com, "Asset upload"; of additionals, the official SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

import attrs

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.asset_options import values_given
from damlink_sandbox.bynder.picture import measure
from damlink_sandbox.bynder.portal import Portal, flag, moment, refusal, words
from damlink_sandbox.bynder.state import Asset, File, Import
from damlink_sandbox.bynder.upload import UPLOADERS, find_upload, whole
from damlink_sandbox.content import Content, PartFiles
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_ADDITIONAL = "POST /api/v4/media/{id}/save/additional"
_ACCESS_TYPES = ("upload", "edit", "export", "shutterstock", "stock")

routes: Routes[Portal] = Routes()


@routes.add("POST /api/v4/media/save", scopes="asset:write", roles=UPLOADERS, multipart=True)
@routes.add("POST /api/v4/media/save/{importId}", scopes="asset:write", roles=UPLOADERS, multipart=True)
def _save_new(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    imported = _find_converted(portal, call.params.get("importId") or fields.get("importId", ""))
    _check_crc32(imported, fields.get("crc32"))
    asset = _asset(portal, call, imported, fields)
    portal.store(asset)
    imported.saves += 1
    portal.world.counts.add("saves")
    return _answer_saved(portal, imported, asset, asset.access_request)


@routes.add("POST /api/v4/media/{id}/save", scopes="asset:write", roles=UPLOADERS, multipart=True)
@routes.add("POST /api/v4/media/{id}/save/{importId}", scopes="asset:write", roles=UPLOADERS, multipart=True)
def _save_version(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"])
    imported = _find_converted(portal, call.params.get("importId") or call.form().get("importId", ""))
    now = portal.world.clock.now()
    version = store_file(portal, imported.file_name, imported.content, now, asset.versions[-1].number + 1)
    portal.store(attrs.evolve(asset, versions=(*asset.versions, version), modified=now, active_number=0))
    imported.saves += 1
    portal.world.counts.add("versions")
    return _answer_saved(portal, imported, asset)


@routes.add(f"{_ADDITIONAL}", scopes="asset:write", roles=UPLOADERS, slow=True)
@routes.add(f"{_ADDITIONAL}/{{uploadId}}", scopes="asset:write", roles=UPLOADERS, slow=True)
def _save_additional(portal: Portal, call: Call) -> Answer:
    upload_id = call.params.get("uploadId") or call.form().get("uploadId", "")
    with portal.lock:
        portal.visible(call.params["id"])
        # By the files service, without parts to join.
        imported = upload_id.upper() in portal.imports
    name, content = (
        _use_import(portal, upload_id) if imported else _join_parts(portal, upload_id, call.form())
    )
    with portal.lock:
        # Read again: it may have changed while the parts were joined outside the lock.
        asset = portal.visible(call.params["id"])
        added = store_file(portal, name, content, portal.world.clock.now())
        portal.store(attrs.evolve(asset, additionals=(*asset.additionals, added)))
    portal.world.counts.add("additionals")
    return json_answer(201, {"itemId": added.id})


def _use_import(portal: Portal, import_id: str) -> tuple[str, Content]:
    with portal.lock:
        imported = _find_converted(portal, import_id)
        imported.saves += 1
        return imported.file_name, imported.content


def _join_parts(portal: Portal, upload_id: str, fields: dict[str, str]) -> tuple[str, Content]:
    with portal.lock:
        upload = find_upload(portal, upload_id, fields)
        parts = whole(portal, upload, fields)
        upload.is_finalised = True
    return upload.file_name, PartFiles.join([part.path for part in parts])


def _find_converted(portal: Portal, import_id: str) -> Import:
    if not import_id:
        raise refusal(400, "No importid provided")
    imported = portal.imports.get(import_id.upper())
    if imported is None or (imported.saves and portal.settings.second_save == "refuse"):
        raise refusal(404, "Import ID not found")
    if imported.ready_at > portal.world.clock.seconds():
        raise refusal(303, "Import not converted yet, please poll")
    if imported.outcome != "done":
        raise refusal(500, "Upload failed or not ready")
    return imported


def _check_crc32(imported: Import, given: str | None) -> None:
    if given is None:
        return
    if not given.lstrip("-").isdecimal():
        raise refusal(400, "Invalid argument type for CRC32")
    if not 0 <= int(given) < 2**32:
        raise refusal(400, "Invalid unsigned integer for CRC32")
    if int(given) != imported.content.crc32:
        raise refusal(400, "CRC32 does not match")  # assumed


def _asset(portal: Portal, call: Call, imported: Import, fields: Mapping[str, str]) -> Asset:
    now = portal.world.clock.now()
    waits = _goes_to_waiting_room(call, fields)
    return Asset(
        id=portal.ids.new(),
        # Assumed where it is missing.
        name=fields.get("name") or PurePosixPath(imported.file_name).stem,
        brand_id=portal.brand(fields.get("brandId") or fields.get("brandid")),
        created=now,
        modified=now,
        published=moment(fields["ISOPublicationDate"]) if fields.get("ISOPublicationDate") else now,
        versions=(store_file(portal, imported.file_name, imported.content, now, 1),),
        user_id=_uploader(portal, call, fields) if waits else call.caller.user.id,
        description=fields.get("description", ""),
        copyright=fields.get("copyright", ""),
        tags=words(fields.get("tags", "")),
        categories=words(fields.get("categories", "").upper()),
        values=values_given(portal, fields),
        in_waiting_room=waits,
        access_request=_access_request(portal, fields) if waits else "",
        is_public=_is_public(call, fields),
        is_archived=_is_past(fields, "archiveDate", now),
        is_watermarked=_is_past(fields, "watermarkDate", now),
    )


def _uploader(portal: Portal, call: Call, fields: Mapping[str, str]) -> str:
    """Return the user that the waiting room shows: `requestorId`, if there is such a user."""
    wanted = fields.get("requestorId", "").upper()
    return wanted if wanted in portal.access.users else call.caller.user.id


def _is_public(call: Call, fields: Mapping[str, str]) -> bool:
    public = flag(fields.get("isPublic"))
    if public:
        # Assumed: as on modify.
        need(call, "MARKPUBLIC")
    return public


def _is_past(fields: Mapping[str, str], name: str, now: datetime) -> bool:
    return bool(fields.get(name)) and moment(fields[name]) <= now


def _goes_to_waiting_room(call: Call, fields: Mapping[str, str]) -> bool:
    """Return whether a new asset has to be approved. With `MEDIAUPLOAD` alone `audit` changes nothing
    (assumed).

    Source: Bynder's help pages on the waiting room.
    """
    if "MEDIAUPLOAD" not in call.caller.roles:
        return True
    return "MEDIAUPLOADFORAPPROVAL" in call.caller.roles and flag(fields.get("audit"))


def _access_request(portal: Portal, fields: Mapping[str, str]) -> str:
    if fields.get("accessType") and fields["accessType"] not in _ACCESS_TYPES:
        raise refusal(400, "Invalid accessType")  # assumed
    return fields.get("accessRequestId") or portal.ids.new()


def store_file(portal: Portal, name: str, content: Content, created: datetime, number: int = 0) -> File:
    """Store a file with an asset; a picture is measured."""
    return File(portal.ids.new(), name, content, created, number, *measure(content))


def _answer_saved(portal: Portal, imported: Import, asset: Asset, access_request: str = "") -> Answer:
    folder, _, name = imported.path.rpartition("/")
    public = f"{portal.world.origins['portal']}/m"
    items = [
        {"original": f"{folder}/{prefix}{name}", "destination": f"{public}/{prefix}{name}"}
        for prefix in ("", "thul-", "mini-")
    ]
    answer: dict[str, object] = {
        "mediaid": asset.id,
        "batchId": imported.batch_id,
        "success": True,
        "mediaitems": items,
        "originalFileS3location": {"bucket": "sandbox", "path": imported.path, "region": "eu-central-1"},
    }
    if access_request:
        answer["accessRequestId"] = access_request
    return json_answer(201, answer)
