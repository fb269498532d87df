"""Upload flow A up to the poll: endpoint, init, register, finalise.

Source: api.bynder.com, "Asset upload"; the official SDKs.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from damlink_sandbox.bynder.portal import Portal, refusal, words
from damlink_sandbox.bynder.state import Import, Part, Upload
from damlink_sandbox.content import PartFiles
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

# Of all parts but the last.
SMALLEST_PART = 5 * 1024 * 1024
UPLOADERS = "MEDIAUPLOAD MEDIAUPLOADFORAPPROVAL"

routes: Routes[Portal] = Routes()


@routes.add("GET /api/upload/endpoint", roles=UPLOADERS)
def _endpoint(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, f"{portal.world.origins['s3']}/")


@routes.add("POST /api/upload/init", roles=UPLOADERS)
def _init(portal: Portal, call: Call) -> Answer:
    name = PurePosixPath(call.form().get("filename", "")).name
    if not PurePosixPath(name).suffix.strip("."):
        body = f'{{"filename":"\'{name}\' is not a valid filename"}}'.encode()
        raise Refusal(Answer(400, body, "text/plain"))
    upload = _begin(portal, name)
    portal.uploads[upload.id] = portal.uploads_by_key[upload.key] = upload
    answer = {
        "s3file": {"uploadid": upload.id, "targetid": upload.target},
        "s3_filename": upload.key,
        "target_key": upload.key,
        "multipart_params": upload.params,
    }
    return json_answer(200, answer)


def _begin(portal: Portal, name: str) -> Upload:
    key, now = f"pluploads/api/{portal.ids.uuid()}/{name}", portal.world.clock.now()
    params = {
        "acl": "private",
        "success_action_status": "201",
        "Content-Type": "image/*",
        "key": key,
        "Policy": portal.ids.hex(120),
        "X-Amz-Signature": portal.ids.hex(64),
        "x-amz-credential": f"{portal.ids.hex(20)}/{now:%Y%m%d}/eu-central-1/s3/aws4_request",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    expires = now.timestamp() + portal.settings.policy_seconds
    return Upload(portal.ids.upload(), name, key, f"final/{portal.ids.uuid()}/{name}", params, expires)


@routes.add("POST /api/v4/upload", roles=UPLOADERS, slow=True)
@routes.add("POST /api/v4/upload/{id}", roles=UPLOADERS, slow=True)
def _register_or_finalise(portal: Portal, call: Call) -> Answer:
    """Register or finalise a part: one address for two calls, which the fields distinguish (assumed)."""
    fields = call.form()
    upload_id = call.params.get("id") or fields.get("id", "")
    if "chunkNumber" in fields:
        return _register(portal, upload_id, fields)
    return _finalise(portal, upload_id, fields)


def _register(portal: Portal, upload_id: str, fields: dict[str, str]) -> Answer:
    with portal.lock:
        upload = find_upload(portal, upload_id, fields)
        text = fields["chunkNumber"]
        number = int(text) if text.isdecimal() else 0
        if upload.is_finalised or number < 1:
            raise not_completed(retry=0)
        part = upload.parts.get(number)
        if fields.get("filename") != f"{upload.key}/p{number}" or part is None:
            raise not_ready()
        if part.at + portal.settings.s3_lag > portal.world.clock.seconds():
            raise not_ready()
        upload.registered.add(number)
        return json_answer(202, {"status": "ok"})


def _finalise(portal: Portal, upload_id: str, fields: dict[str, str]) -> Answer:
    with portal.lock:
        upload = find_upload(portal, upload_id, fields)
        parts = whole(portal, upload, fields)
        upload.is_finalised = True
    # The bytes are read outside the lock.
    content = PartFiles.join([part.path for part in parts])
    with portal.lock:
        # without `original_filename` the name is technical (Bynder/bynder-php-sdk#86; its form is assumed)
        name = fields.get("original_filename") or f"{portal.ids.hex(12)}-tmp-{upload.file_name}"
        imported = _import_file(portal, upload, PurePosixPath(name).name, content)
        portal.imports[imported.id] = imported
    portal.world.counts.add("imports")
    return json_answer(202, _receipt(imported))


def find_upload(portal: Portal, upload_id: str, fields: dict[str, str]) -> Upload:
    """Return the upload with this id and the target it was begun with.

    Raises:
        Refusal: 404: unknown (assumed); 500: another target (assumed).
    """
    upload = portal.uploads.get(upload_id)
    if upload is None:
        raise refusal(404, "Upload doesn't exist")
    if fields.get("targetid") != upload.target:
        raise not_completed(retry=0)
    return upload


def whole(portal: Portal, upload: Upload, fields: dict[str, str]) -> Sequence[Part]:
    """Return the parts in order, if they match the caller's description (assumed).

    Raises:
        Refusal: 500 with `retry` 0: another file, another number of parts, a gap, a part too small, or
            an upload that was finalised before.
    """
    base = fields.get("s3_filename", "")
    stem, _, suffix = base.rpartition("/p")
    if upload.key not in (base, stem if suffix.isdecimal() else base):
        raise not_completed(retry=0)
    if upload.is_finalised and portal.settings.second_finalise == "refuse":
        raise not_completed(retry=0)
    count = len(upload.registered)
    # Where a part is missing, the highest number is above the count.
    if count == 0 or fields.get("chunks") != str(count) or max(upload.registered) != count:
        raise not_completed(retry=0)
    parts = [upload.parts[number] for number in sorted(upload.registered)]
    if any(part.size < SMALLEST_PART for part in parts[:-1]):
        raise not_completed(retry=0)
    return parts


def _import_file(portal: Portal, upload: Upload, name: str, content: PartFiles) -> Import:
    # A file's name decides its outcome, so that a test can choose it without a control call.
    patterns = {"*fail-conversion*": "failed", "*reject*": "rejected"}
    names = (name, upload.file_name)
    outcomes = [what for shape, what in patterns.items() if any(fnmatch(given, shape) for given in names)]
    ready = portal.world.clock.seconds() + portal.settings.conversion_lag
    outcome = outcomes[0] if outcomes else "done"
    return Import(portal.ids.new(), portal.ids.new(), upload.target, name, content, ready, outcome)


def _receipt(imported: Import) -> dict[str, object]:
    return {
        "importId": imported.id,
        "batchId": imported.batch_id,
        "output": str(Path(imported.path).parent) + "/",
        "filename": imported.path,
        "originalFilename": imported.file_name,
        "locationType": "s3",
        "success": 1,
        "file": {"bucket": "sandbox", "path": imported.path, "type": "s3"},
    }


@routes.add("GET /api/v4/upload/poll", roles=UPLOADERS)
def _poll(portal: Portal, call: Call) -> Answer:
    if not call.query.get("items"):
        raise refusal(400, "No items provided")  # assumed
    asked = [portal.imports[one] for one in words(call.query["items"].upper()) if one in portal.imports]
    ready = [one for one in asked if one.ready_at <= portal.world.clock.seconds()]
    lists = {"itemsDone": "done", "itemsFailed": "failed", "itemsRejected": "rejected"}
    answer = {name: [one.id for one in ready if one.outcome == what] for name, what in lists.items()}
    return json_answer(200, answer)


def not_ready() -> Refusal:
    """Return the error of an upload in progress; the text is seen in integrations. Source: api.bynder.com,
    "Asset upload".
    """
    return _failure("Upload not ready", retry=1)


def not_completed(retry: int) -> Refusal:
    """`retry` 0 is assumed for what cannot get better. Source: api.bynder.com, "Asset upload"."""
    return _failure("Could not complete upload", retry=retry)


def _failure(message: str, retry: int) -> Refusal:
    return Refusal(json_answer(500, {"message": message, "retry": retry, "success": False}))
