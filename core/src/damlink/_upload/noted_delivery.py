"""Delivery of a file, once, to a partner that takes no idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from damlink._checkpoint import Checkpoint
from damlink._http.client import Client
from damlink._model import PushResult
from damlink.errors import TransientError, UnclearError

__all__ = ["NotedDelivery"]

_SCOPE: Final = "damlink.delivery"
_REFERENCE: Final = "reference"
_FILE: Final = "file"


@attrs.frozen
class NotedDelivery:
    """Delivery of a file to a partner that takes no idempotency key, but finds a file by a reference of ours.

    The reference is noted in the checkpoint before the file is sent. After a crash or an answer that is
    unclear the file is looked for by it, once the partner's list must show it, and sent again only if it is
    not there. It is safe to repeat with the same checkpoint.

    Attributes:
        http: `ctx.http`, by which it waits, so that a stop of the run ends the wait.
        checkpoint: that of `push`; if an asset has several files, `checkpoint.scope(name)` for each.
        find: takes a reference, and returns the id of the file that was sent with it, or `None`.
        delete: takes the id of a file, and deletes it; it does nothing if the partner no longer has the file.
        lag: seconds until `find` finds a file that has arrived, at most. It is waited for only after a crash
            or an unclear answer, and occupies a transfer thread meanwhile.
    """

    http: Client
    checkpoint: Checkpoint
    find: Callable[[str], str | None]
    delete: Callable[[str], None]
    lag: float

    def deliver(self, reference: str, send: Callable[[], str], *, previous: PushResult | None = None) -> str:
        """Send a file unless the partner has it, and return its id there.

        Args:
            reference: names the asset and the bytes, such as id and `content_fingerprint`: other bytes have
                another reference. The partner keeps it with the file, and `find` finds the file by it.
            send: sends the file with the reference, such as by `ctx.http.send_once`, and returns its id. It
                is called once at most.
            previous: result of the last push: if its file is another one, that is deleted in the end.

        Raises:
            TransientError: the answer was unclear, and the file is not there: a later round looks again, and
                only then sends it again.
        """
        noted = self._noted()
        if noted and noted != reference:
            # Another version of the asset has overtaken the one that was being sent.
            self._delete_noted(noted)
        file_id = self._find_noted(reference) if noted == reference else self.find(reference)
        if file_id is None:
            self._note(reference)
            file_id = self._send(reference, send)
        self._note(reference, file_id)
        self._delete_other(previous, file_id)
        return file_id

    def discard(self, *, previous: PushResult | None = None) -> None:
        """Delete the file of an asset that is removed, also one whose sending was interrupted.

        Args:
            previous: result of the last push, whose file is deleted as well.
        """
        if noted := self._noted():
            self._delete_noted(noted)
        self._delete_other(previous, None)

    def _send(self, reference: str, send: Callable[[], str]) -> str:
        try:
            return send()
        except UnclearError as error:
            found = self._find_noted(reference)
            if found is None:
                hint = "a later round looks for it again before it sends it again"
                raise TransientError(
                    f"{error.args[0]}; the file is not there after {self.lag:g} s", hint=hint
                ).about(error) from error
            return found

    def _find_noted(self, reference: str) -> str | None:
        """Return the id of a file that was sent, or may have been; `None` if it has not arrived."""
        if file_id := self._scope().get(_FILE):
            return str(file_id)
        # It may have arrived right before now, and the list may be late.
        self.http.pause(self.lag)
        return self.find(reference)

    def _delete_noted(self, reference: str) -> None:
        file_id = self._find_noted(reference)
        if file_id is not None:
            self.delete(file_id)

    def _delete_other(self, previous: PushResult | None, file_id: str | None) -> None:
        if previous and previous.target_id and previous.target_id != file_id:
            self.delete(previous.target_id)

    def _noted(self) -> str | None:
        reference: str | None = self._scope().get(_REFERENCE)
        return reference

    def _note(self, reference: str, file_id: str | None = None) -> None:
        self._scope().put(**{_REFERENCE: reference, _FILE: file_id})

    def _scope(self) -> Checkpoint:
        return self.checkpoint.scope(_SCOPE)
