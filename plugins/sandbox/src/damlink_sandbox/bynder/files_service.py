"""Upload flow B, the files service: prepare, chunks, finalise; files for jobs.

Source: api.bynder.com, "Asset upload (modern stack)"; the digests, unreleased branches of the official SDKs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from damlink_sandbox.bynder.jobs import attach
from damlink_sandbox.bynder.portal import Portal, no_route
from damlink_sandbox.bynder.state import Import, Transfer
from damlink_sandbox.bynder.upload import UPLOADERS
from damlink_sandbox.bynder.workflow import failure, find_record, plain
from damlink_sandbox.bynder.workflow_fields import Fields, read, text
from damlink_sandbox.content import PartFiles
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/v7/file_cmds/upload"
_JOB_FILE: Fields = {"fileId": ("file", text), "name": ("name", text), "fileSize": ("size", int)}

routes: Routes[Portal] = Routes()


@routes.add(f"POST {_PATH}/prepare", roles=UPLOADERS)
def _prepare(portal: Portal, _call: Call) -> Answer:
    _check_there(portal)
    transfer = Transfer(portal.ids.uuid())
    portal.transfers[transfer.id] = transfer
    return json_answer(200, {"file_id": transfer.id})


@routes.add(f"POST {_PATH}/{{id}}/chunk/{{number}}", roles=UPLOADERS, slow=True)
def _chunk(portal: Portal, call: Call) -> Answer:
    with portal.lock:
        transfer, path = _open(portal, call.params["id"]), portal.new_file()
        number, digest = call.params["number"], call.headers.get("content-sha256")
        if not number.isdecimal() or (digest is None and portal.settings.require_chunk_sha256):
            raise _refusal()
    # Verified and written outside the lock, so that chunks can arrive in parallel.
    if digest is not None and digest.lower() != hashlib.sha256(call.body).hexdigest():
        raise _refusal()
    path.write_bytes(call.body)
    with portal.lock:
        transfer.chunks[int(number)] = path
    portal.world.counts.add("chunks")
    return Answer(201)


@routes.add(f"POST {_PATH}/{{id}}/finalise_api", roles=UPLOADERS, slow=True)
def _finalise(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    with portal.lock:
        transfer = _open(portal, call.params["id"])
        paths = [transfer.chunks[number] for number in sorted(transfer.chunks)]
        name = PurePosixPath(fields.get("fileName", "")).name
        if (
            not name
            or not paths
            or fields.get("chunksCount") != str(len(paths))
            or max(transfer.chunks) >= len(paths)
        ):
            raise _refusal()
    # The bytes are read outside the lock.
    content = PartFiles.join(paths)
    _check_whole(content, fields)
    with portal.lock:
        transfer.is_finalised = True
        portal.imports[transfer.id.upper()] = _import_file(portal, transfer.id, name, content)
        correlation = portal.ids.uuid()
    portal.world.counts.add("imports")
    return Answer(201, headers={"x-api-correlation-id": correlation})


def _check_whole(content: PartFiles, fields: Mapping[str, str]) -> None:
    """Compare size and digest. The size is published; one client library's branch sends the digest."""
    if fields.get("fileSize") != str(content.size):
        raise _refusal()
    if fields.get("sha256", content.digest).lower() != content.digest:
        raise _refusal()


def _import_file(portal: Portal, file_id: str, name: str, content: PartFiles) -> Import:
    """Saved by its file id; there is nothing to poll, but it may be too early."""
    ready = portal.world.clock.seconds() + portal.settings.files_lag
    path = f"final/{portal.ids.uuid()}/{name}"
    return Import(file_id.upper(), portal.ids.new(), path, name, content, ready, "done")


def _open(portal: Portal, file_id: str) -> Transfer:
    _check_there(portal)
    transfer = portal.transfers.get(file_id.lower())
    if transfer is None or (transfer.is_finalised and portal.settings.second_finalise == "refuse"):
        raise _refusal()
    return transfer


def _check_there(portal: Portal) -> None:
    if not portal.settings.files_service:
        raise no_route()


def _refusal() -> Refusal:
    """Return an error; this is all that is published of them."""
    return Refusal(Answer(400))


@routes.add("POST /workflow-jobs/{id}/upload", scopes="workflow.job:write", roles="JOBEDIT")
@routes.add("POST /api/workflow/jobs/{id}/upload", scopes="workflow.job:write", roles="JOBEDIT")
def _job_file(portal: Portal, call: Call) -> Answer:
    """Add a finalised file to one job; both addresses are published."""
    _check_there(portal)
    job, given = find_record(portal.workflow.jobs, call.params["id"]), read(call, _JOB_FILE)
    imported = portal.imports.get(given.get("file", "").upper())
    if imported is None or not given.get("name") or given.get("size") != imported.content.size:
        raise failure(400)  # assumed
    address = portal.link(imported.content, given["name"])
    return json_answer(
        200, {"mediaId": plain(attach(portal, job, given["name"], call.caller.user.name, address))}
    )
