"""`python -m damlink` is `damlink`."""

from __future__ import annotations

from damlink._cli import main

main()
