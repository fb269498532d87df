"""The user of the operating system that runs this process."""

from __future__ import annotations

import getpass
import os

__all__ = ["find_os_user"]


def find_os_user() -> str:
    """Return the name of the user, or its number if it has no name.

    On POSIX the system says it; the environment, which anybody can set, does not count.
    """
    try:
        import pwd
    except ModuleNotFoundError:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
