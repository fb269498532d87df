"""The page on which a person lets an application in, for a real browser to click."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from damlink_sandbox.router import Answer, Call

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in to the sandbox portal</title></head>
<body>
<h1>Let this application in?</h1>
<p>It will act as {user}.</p>
<ul>{rights}</ul>
<form method="post" action="{action}">
{fields}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>
</body>
</html>
"""


def is_browser(call: Call) -> bool:
    """Return whether the client is a browser; for a program, the person agrees at once."""
    return call.method == "GET" and "text/html" in call.headers.get("accept", "")


def page(action: str, user: str, rights: Iterable[str], fields: Mapping[str, str]) -> Answer:
    """Return the page; its form posts `fields` and the `decision`, `allow` or `deny`, to `action`."""
    items = "".join(f"<li>{escape(right)}</li>" for right in rights)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    html = _PAGE.format(action=escape(action), user=escape(user), rights=items, fields=hidden)
    return Answer(200, html.encode(), "text/html; charset=utf-8")
