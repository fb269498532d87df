"""Sign in to an SFTP server, after its key was found in the file of known hosts."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

import attrs
import paramiko

from damlink import AuthError, TransientError, parse_url
from damlink.errors import ConfigError
from damlink_folder.settings import FolderSettings

__all__ = ["Place", "read_place", "sign_in"]

_PORT: Final = 22
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_TIMEOUT_SECONDS: Final = 30


@attrs.frozen
class Place:
    """Parts of an address such as `sftp://user@host:22/path`."""

    user: str
    host: str
    port: int
    path: str


def read_place(address: str) -> Place:
    """Return the parts of an address."""
    url = parse_url(address)
    return Place(url.userinfo.decode(), url.host, url.port or _PORT, url.path or "/")


def sign_in(settings: FolderSettings) -> paramiko.SSHClient:
    """Return a connection that is signed in.

    Raises:
        AuthError: the server's key is unknown or another one, or the server refuses the user.
        ConfigError: a file of keys cannot be read.
        TransientError: the server does not answer.
    """
    place, client = read_place(settings.address), paramiko.SSHClient()
    key = _read_key(settings)
    # Unknown keys are refused: that is the client's own default, and never changed here.
    _load_known_hosts(client, settings.known_hosts)
    try:
        client.connect(
            place.host,
            place.port,
            place.user,
            password=settings.password.reveal() if settings.password else None,
            pkey=key,
            timeout=_TIMEOUT_SECONDS,
            banner_timeout=_TIMEOUT_SECONDS,
            auth_timeout=_TIMEOUT_SECONDS,
            channel_timeout=_TIMEOUT_SECONDS,
            allow_agent=False,
            look_for_keys=False,
        )
    except BaseException as error:
        client.close()
        if isinstance(error, paramiko.SSHException | OSError | EOFError):
            raise _explain(error, place) from error
        raise
    return client


def _explain(error: Exception, place: Place) -> AuthError | TransientError:
    server = f"{place.host}:{place.port}"
    if isinstance(error, paramiko.BadHostKeyException):
        hint = "find out why; another machine may answer in its place"
        return AuthError(f"{server} has another key than the one in known_hosts", hint=hint)
    if isinstance(error, paramiko.AuthenticationException):
        return AuthError(f"{server} refuses {place.user}", hint="set key_file or password anew")
    # The only text that says so; the error has no type of its own.
    if "not found in known_hosts" in str(error):
        hint = (
            f"add its line to known_hosts: `ssh-keyscan -p {place.port} {place.host}` prints it; compare it"
        )
        return AuthError(f"the key of {server} is not in known_hosts", hint=hint)
    return TransientError(f"{server} does not answer by SFTP: {error}")


def _load_known_hosts(client: paramiko.SSHClient, path: str) -> None:
    try:
        client.load_host_keys(str(Path(path).expanduser()))
    except (OSError, paramiko.SSHException, ValueError) as error:
        raise ConfigError("known_hosts", f"{path} cannot be read: {error}") from error


def _read_key(settings: FolderSettings) -> paramiko.PKey | None:
    if not settings.key_file:
        return None
    path, phrase = Path(settings.key_file).expanduser(), settings.key_passphrase
    try:
        if path.stat().st_mode & _OTHERS:
            raise ConfigError("key_file", f"{path} is open to other users", hint=f"run `chmod 600 {path}`")
        return paramiko.PKey.from_path(path, phrase.reveal().encode() if phrase else None)
    except OSError as error:
        raise ConfigError("key_file", f"{path} cannot be read: {error.strerror}") from error
    except (paramiko.SSHException, ValueError, TypeError, IndexError) as error:
        hint = "key_passphrase must be that of the key; empty if it has none"
        raise ConfigError("key_file", f"{path} is no private key that can be opened", hint=hint) from error
