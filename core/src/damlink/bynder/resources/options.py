"""Options: the values that people can choose for a metaproperty.

Source: Bynder's published definition of metaproperty options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink._http.described import describe
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_records, get_body
from damlink.bynder._fields import batches, bynder_names, fields, json_data
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page, walk
from damlink.bynder._request import bynder_error, omit_none, read_json, remove, segment
from damlink.bynder.records.convert import text
from damlink.bynder.records.metaproperties import Option
from damlink.errors import BynderError

__all__ = ["Options", "json_fields", "options_path"]

PATH: Final = "/api/v4/metaproperties/"
# Maximum number of options on a page.
MOST: Final = 1000
BAD_REQUEST: Final = 400


class OptionFields(TypedDict, total=False):
    """Fields of an option that can be changed.

    Args:
        label: text that people see.
        labels: labels by language, such as `fr_FR`.
        external_reference: name of the option in another system.
        zindex: position among the options.
        is_selectable: whether people may choose the option.
        parent_id: of the option above it.
    """

    label: str | None
    labels: Mapping[str, str] | None
    external_reference: str | None
    zindex: int | None
    is_selectable: bool | None
    parent_id: str | None


class Options:
    """Options: the values that people can choose for a metaproperty.

    Example:
        turquoise = portal.options.create(metaproperty, name="turquoise")
        portal.options.modify(metaproperty, option_id=turquoise, label="Turquoise")

    Attributes:
        on_change: called after each change.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.on_change: Callable[[], None] = lambda: None

    @action()
    def list(
        self,
        id: str,
        *,
        name: str | None = None,
        external_reference: str | None = None,
        limit: int = MOST,
    ) -> Listing[Option]:
        """List the options of a metaproperty page by page.

        Args:
            id: of the metaproperty.
            name: only the option with this name.
            external_reference: only options with this reference.
            limit: options in each request, at most 1000.
        """
        size = max(1, min(limit, MOST))
        query = fields({"name": name, "externalReference": external_reference, "limit": size})

        def ask(page: int) -> Page[Option]:
            answer = get_body(self._client, options_path(id), expect_records, **query, page=page)
            return Page(items=tuple(Option.read_all(answer)))

        return walk(ask, size)

    @action()
    def get(self, *, ids: Sequence[str]) -> Records[Option]:
        """Get options of any metaproperty by their ids.

        Args:
            ids: of the options.

        Raises:
            BynderError: status 400: one of the options does not exist.
        """
        answers = (
            get_body(self._client, f"{PATH}options/", expect_records, ids=",".join(lot))
            for lot in batches(ids)
        )
        return Records(option for answer in answers for option in Option.read_all(answer))

    @action()
    def create(
        self,
        id: str,
        *,
        name: str,
        extra: Mapping[str, Any] | None = None,
        **shown: Unpack[OptionFields],
    ) -> str:
        """Create an option if it does not exist, and return its id. Safe to repeat.

        Args:
            id: of the metaproperty.
            name: of the option; never changes, and is the value that assets contain.
            extra: more fields, by Bynder's own names.
            shown: see `OptionFields`.

        Raises:
            BynderError: the portal refuses the option; status 404: the metaproperty does not exist.
        """
        data = json_fields({"name": name, **bynder_names(shown)}, extra)
        # If the option exists, the portal answers 400 with its id in `existingUUID`.
        response = self._client.post(options_path(id), data=data, idempotent=True, accept=(BAD_REQUEST,))
        answer = read_json(response)
        self.on_change()
        made = text(answer.get("id") or answer.get("existingUUID")) if isinstance(answer, dict) else ""
        if not made:
            message = f"the portal did not send the id of the option {name!r}"
            raise describe(bynder_error(response, repeatable=True) or BynderError(message), response)
        return made

    @action()
    def modify(
        self,
        id: str,
        *,
        option_id: str,
        extra: Mapping[str, Any] | None = None,
        **shown: Unpack[OptionFields],
    ) -> None:
        """Change an option. Omitted fields and its name stay as they are. Safe to repeat.

        Args:
            id: of the metaproperty.
            option_id: of the option.
            extra: more fields, by Bynder's own names.
            shown: see `OptionFields`.

        Raises:
            BynderError: status 404: the option does not exist.
        """
        data = json_fields(bynder_names(shown), extra)
        self._client.post(options_path(id, option_id), data=data, idempotent=True)
        self.on_change()

    @action()
    def delete(self, id: str, *, option_id: str) -> None:
        """Delete an option, also from every asset.

        Args:
            id: of the metaproperty.
            option_id: of the option.
        """
        remove(self._client, options_path(id, option_id))
        self.on_change()


def options_path(id: str, option_id: str | None = None) -> str:
    """Return the path of the options of a metaproperty, or of one of them."""
    path = f"{PATH}{segment(id)}/options/"
    return path if option_id is None else f"{path}{segment(option_id)}/"


def json_fields(fields: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the form field with the JSON of an option or a metaproperty."""
    return json_data(omit_none(**fields) | dict(extra or {}))
