"""Pages of users for administrators, and of one's own password; with what their forms do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from damlink._console.desk import Desk
from damlink._console.page import Page, Query, WrongRequestError, address_of, command_text, read_number
from damlink._run.user_changes import (
    add_user,
    change_password,
    change_role,
    find_local_user,
    find_user,
    make_token,
    remove_user,
    revoke_access,
)
from damlink._secrets.passwords import LEAST_CHARACTERS, hash_password
from damlink._state.access import OWNER, Access, Admitted
from damlink._state.users import Role, Users

__all__ = ["USER_ACTS", "show_password", "show_user", "show_users"]

MOST_LABEL: Final = 100
MOST_DAYS: Final = 3650
_MADE: Final = {"token": "The token", "link": "The address"}


def show_users(desk: Desk, _query: Query) -> Page:
    """Show the users and their roles."""
    data = {"users": [attrs.asdict(each) for each in Users(desk.database).listing()], "roles": list(Role)}
    return Page("users.html", "Users", command_text("users", "list"), data)


def show_user(desk: Desk, query: Query) -> Page:
    """Show one user with what lets it in, and what can be changed."""
    user = find_user(desk.database, query.get("name", ""))
    access = [_describe(each) for each in Access(desk.database).listing(user.name)]
    data = {
        "user": attrs.asdict(user),
        "roles": list(Role),
        "access": access,
        "is_self": user.name == desk.visitor.user,
        "commands": {
            name: command_text("users", name, user.name, *words)
            for name, words in (("role", ("ROLE",)), ("token", ("LABEL",)), ("revoke", ()), ("remove", ()))
        },
    }
    return Page("user.html", f"User {user.name}", command_text("users", "list"), data)


def _describe(found: Admitted) -> Mapping[str, Any]:
    return {"id": found.hash} | attrs.asdict(found, filter=attrs.filters.exclude("hash", "user"))


def show_password(desk: Desk, _query: Query, *, is_changed: bool = False) -> Page:
    """Show the form for one's own password."""
    name = desk.visitor.user
    user = find_user(desk.database, name) if name != OWNER else None
    data = {
        "name": name,
        "issuer": user.issuer if user else "",
        "has_password": user is not None and user.has_password,
        "least_characters": LEAST_CHARACTERS,
        "is_changed": is_changed,
    }
    return Page("password.html", "Your password", command_text("users", "password", name or "NAME"), data)


def change_own_password(desk: Desk, form: Query) -> Page:
    """Change the password of the visitor, whose other sessions and tokens end."""
    name, new = desk.visitor.user, form.get("new", "")
    if name == OWNER:
        raise WrongRequestError("at this machine there is no password")
    if new != form.get("again", ""):
        raise WrongRequestError("the new password was not typed twice the same")
    if find_user(desk.database, name).has_password:
        _verify_own(desk, name, form.get("current", ""))
    stored = hash_password(new)
    desk.noted = change_password(desk.database, name, stored, but=desk.visitor.session)
    return show_password(desk, form, is_changed=True)


def _verify_own(desk: Desk, name: str, current: str) -> None:
    """Verify a password, as seldom as a sign-in: a session may be in foreign hands."""
    if desk.sessions.wait_seconds(name) > 0:
        raise WrongRequestError("too many wrong passwords; wait, and try again")
    if not desk.sessions.verify(name, current):
        raise WrongRequestError("this is not your present password")


# --- what administrators do ------------------------------------------------------------------------


def _add(desk: Desk, form: Query) -> str:
    """Add a user."""
    name, password = form.get("name", "").strip(), form.get("password", "")
    desk.noted = add_user(desk.database, name, _role(form), hash_password(password) if password else None)
    return address_of("/user", name=name)


def _change_role(desk: Desk, form: Query) -> str:
    """Change the role of another user."""
    name = _another(desk, form)
    desk.noted = change_role(desk.database, name, _role(form))
    return address_of("/user", name=name)


def _revoke(desk: Desk, form: Query) -> str:
    """End all sessions, links and tokens of a user."""
    name = form.get("name", "")
    desk.noted = revoke_access(desk.database, name)
    return address_of("/user", name=name)


def _end(desk: Desk, form: Query) -> str:
    """End one session or token."""
    user, access = find_user(desk.database, form.get("name", "")), Access(desk.database)
    found = {each.hash: each for each in access.listing(user.name)}.get(form.get("id", ""))
    if found is None or not access.revoke(found.hash):
        raise WrongRequestError("it has ended already")
    desk.noted = {"kind": found.kind.value, "label": found.label}
    return address_of("/user", name=user.name)


def _remove(desk: Desk, form: Query) -> str:
    """Remove another user."""
    desk.noted = remove_user(desk.database, _another(desk, form))
    return "/users"


def _make_token(desk: Desk, form: Query) -> Page:
    """Make a token of a user, which is shown this once."""
    name, label = form.get("name", ""), form.get("label", "").strip()
    days = read_number(form.get("days", "").strip(), 4)
    if not 0 < len(label) <= MOST_LABEL:
        raise WrongRequestError(f"the label has 1 to {MOST_LABEL} letters")
    if days is None or not 1 <= days <= MOST_DAYS:
        raise WrongRequestError(f"days is a number from 1 to {MOST_DAYS}")
    made, desk.noted = make_token(desk.database, name, label, days)
    return _show_once("token", name, made, label, "--days", str(days))


def _make_link(desk: Desk, form: Query) -> Page:
    """Make an address that lets a user in once."""
    name = find_local_user(desk.database, form.get("name", "")).name
    made = Access(desk.database).make_link(name)
    return _show_once("link", name, f"{desk.origin}/enter?link={made}")


def _show_once(what: str, name: str, made: str, *words: str) -> Page:
    data = {"what": what, "name": name, "made": made}
    return Page("made.html", f"{_MADE[what]} for {name}", command_text("users", what, name, *words), data)


def _role(form: Query) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError as error:
        raise WrongRequestError(f"role is one of {', '.join(Role)}") from error


def _another(desk: Desk, form: Query) -> str:
    """Return the name of a user that is not the visitor: so one administrator always stays."""
    name = form.get("name", "")
    if name == desk.visitor.user:
        raise WrongRequestError("let another administrator do this with your own user")
    return name


USER_ACTS: Final[Mapping[str, Callable[[Desk, Query], str | Page]]] = {
    "/password": change_own_password,
    "/users/add": _add,
    "/users/role": _change_role,
    "/users/revoke": _revoke,
    "/users/end": _end,
    "/users/remove": _remove,
    "/users/token": _make_token,
    "/users/link": _make_link,
}
