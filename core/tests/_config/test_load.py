from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from canaries import CANARY

from damlink._config.duration import Duration
from damlink._config.load import Config, load, opener, reference
from damlink._config.location import find
from damlink._config.parse import SecretRef
from damlink.errors import ConfigError

PORTAL = """
[portals.brand]
url = "https://brand.example"
token = { env = "TOKEN" }
"""
CONNECTOR = """
[connectors.stock]
plugin = "istock"
"""
WHOLE = f"""
[state]
url = "sqlite:///own.db"
[pace]
requests = 100
seconds = 10
share = 0.5
{PORTAL}
{CONNECTOR}
portal = "brand"
every = "2h"
workers = 2
enabled = false
adopt_existing = false
license_model = "credits"
"""

Loaded = Callable[[str], Config]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    def load_text(text: str) -> Config:
        path = tmp_path / "damlink.toml"
        path.write_text(text)
        return load(path)

    return load_text


def test_load_when_everything_is_written_keeps_it(loaded: Loaded, tmp_path: Path) -> None:
    config = loaded(WHOLE)
    stock = config.connector("stock")
    assert (config.state.url, config.folder) == ("sqlite:///own.db", tmp_path)
    assert (config.pace.requests, config.pace.seconds, config.pace.share) == (100, 10.0, 0.5)
    assert (stock.plugin, stock.portal, stock.every) == ("istock", "brand", Duration(7200))
    assert (stock.workers, stock.enabled, stock.adopt_existing) == (2, False, False)
    assert stock.settings == {"license_model": "credits"}
    assert stock.place == f"{config.path}: connectors.stock"


def test_load_when_little_is_written_has_the_documented_defaults(loaded: Loaded) -> None:
    config = loaded(PORTAL + CONNECTOR)
    stock = config.connector("stock")
    assert config.state.url == "sqlite:///damlink.db"
    assert (config.pace.requests, config.pace.seconds, config.pace.share) == (4500, 300.0, 0.8)
    assert (stock.portal, stock.every, stock.workers) == ("brand", None, 4)
    assert (stock.enabled, stock.adopt_existing, stock.settings) == (True, True, {})


def test_load_when_the_file_is_empty_is_an_empty_config(loaded: Loaded) -> None:
    config = loaded("")
    assert (config.portals, config.connectors) == ({}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[portal.brand]", "portal: unknown table; did you mean 'portals'?"),
        ("state = 1", "state: expected a table, got 1"),
        ("[connectors]\nstock = 1", "connectors.stock: expected a table, got 1"),
        ("[portals.'a b']", "portals.a b: a name has letters, digits, '-', '_' and '.' only"),
        (
            "[connectors.'EMEA Marketing']",
            "connectors.EMEA Marketing: a name has letters, digits, '-', '_' and '.' only; "
            'call the table connectors.emea-marketing and write title = "EMEA Marketing" below it',
        ),
        (
            PORTAL
            + CONNECTOR
            + "title = 'Ours'\n"
            + CONNECTOR.replace("stock]", "other]")
            + "title = 'Ours'",
            "connectors.other.title: 'Ours' is the name of stock, too",
        ),
        ("[state]\nulr = 'x'", "state.ulr: unknown key; did you mean 'url'?"),
        ("[pace]\nrequests = '1'", "pace.requests: expected a whole number, got '1'"),
        (
            "[pace]\nshare = 2",
            "pace: requests and seconds must be above 0, and share above 0 and at most 1",
        ),
        ("[http]\nlocal_address = 'eth0'", "http: local_address must be an IP address, got 'eth0'"),
        ("[portals.a]\ntoken = {env = 'T'}", "portals.a.url: missing; expected text"),
        (PORTAL + "[connectors.a]", "connectors.a.plugin: missing; expected text"),
        (PORTAL + CONNECTOR + "workers = 0", "connectors.stock: workers must be at least 1 and at most 64"),
        (
            PORTAL + CONNECTOR + "every = 90",
            "connectors.stock.every: expected a duration such as 90s, 15m, 2h or 1d, got 90",
        ),
        (
            PORTAL + CONNECTOR + "portal = 'brnad'",
            "connectors.stock.portal: no portal 'brnad'; did you mean 'brand'?",
        ),
        (CONNECTOR, "connectors.stock.portal: missing; add a [portals.NAME] table"),
        (CONNECTOR + "portal = 'x'", "connectors.stock.portal: no portal 'x'; add a [portals.NAME]"),
        (
            PORTAL + PORTAL.replace("brand]", "other]") + CONNECTOR,
            "connectors.stock.portal: missing; choose one of brand, other",
        ),
        (
            "[portals.a]\nurl = 'https://a.example'\ntoken = 'plain'",
            "portals.a.token: expected a secret: { env = … }, { secret = … } or { file = … }, "
            "got plain text; a secret never stands in the file",
        ),
        (
            "[portals.a]\nurl = 'https://a.example'\nauth = 'magic'",
            "portals.a.auth: expected permanent-token or oauth2-client-credentials or oauth2-code or oauth1, "
            "got 'magic'",
        ),
        (
            "[state]\nurl = {env = 'NOWHERE'}",
            "state.url: the environment variable NOWHERE is not set; set NOWHERE",
        ),
        (
            "[state]\nurl = {secret = 'x'}",
            "state.url: { secret = … } cannot stand here; write { env = … } or { file = … }",
        ),
    ],
    ids=lambda value: None if "\n" in value or value.startswith("[") else value.partition(":")[0],
)
def test_load_when_something_is_wrong_names_place_and_cure_in_one_line(
    loaded: Loaded, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert str(caught.value) == f"{tmp_path / 'damlink.toml'}: {said}"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"[portals", "not valid TOML: Expected ']' at the end of a table declaration"),
        (b"a = 1\na = 2\n", "not valid TOML: Cannot overwrite a value (at line 2"),
        (b"\xff", "cannot be read: 'utf-8' codec can't decode"),
    ],
    ids=["unclosed", "twice", "not text"],
)
def test_load_when_it_is_no_toml_says_where(tmp_path: Path, written: bytes, said: str) -> None:
    path = tmp_path / "damlink.toml"
    path.write_bytes(written)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert str(caught.value).endswith(("; correct that line", "; make it a readable file"))


@pytest.mark.parametrize("name", ["missing.toml", "."], ids=["missing", "a folder"])
def test_load_when_there_is_no_file_says_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ConfigError,
        match="; (make one with `damlink init`|make it a readable)",
    ):
        load(tmp_path / name)


def test_connector_when_misspelt_names_the_nearest(loaded: Loaded) -> None:
    config = loaded(PORTAL + CONNECTOR)
    with pytest.raises(ConfigError, match=r"no connector 'stok'; did you mean 'stock'\?$"):
        config.connector("stok")


def test_connector_when_there_is_none_says_what_to_add(loaded: Loaded) -> None:
    with pytest.raises(ConfigError, match=r"no connector 'stock'; add a \[connectors.stock\] table$"):
        loaded(PORTAL).connector("stock")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://brand.example", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000/", True),
        ("http://[::1]:9000", True),
        ("http://brand.example", False),
        ("http://127.0.0.1.example", False),
        ("http://localhost.example", False),
        ("http://localhost@brand.example", False),
        ("brand.example", False),
    ],
)
def test_portal_when_opened_must_be_encrypted_or_on_loopback(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, url: str, fine: bool
) -> None:
    monkeypatch.setenv("TOKEN", CANARY)
    config = loaded(PORTAL.replace("https://brand.example", url))
    portal = config.portals["brand"]
    if fine:
        assert portal.open(opener(config.path)).url == url
    else:
        with pytest.raises(
            ConfigError, match="portals.brand: url must (begin with https://|not hold a user name)"
        ):
            portal.open(opener(config.path))


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ("", "token is missing; auth = 'permanent-token' needs it"),
        ('auth = "oauth2-client-credentials"', "client_id is missing; auth = 'oauth2-client-credentials'"),
        ('auth = "oauth2-client-credentials"\nclient_id = "a"', "client_secret is missing; auth ="),
    ],
    ids=["token", "client_id", "client_secret"],
)
def test_portal_when_credentials_are_missing_says_which(loaded: Loaded, keys: str, missing: str) -> None:
    config = loaded(f'[portals.brand]\nurl = "https://brand.example"\n{keys}')
    with pytest.raises(ConfigError) as caught:
        config.portals["brand"].open(opener(config.path))
    assert str(caught.value).startswith(f"{config.path}: portals.brand: {missing}")


def test_opener_when_a_variable_is_set_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", CANARY)
    assert opener(tmp_path / "damlink.toml")(SecretRef("env", "TOKEN"), "here") == CANARY


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_opener_when_a_variable_is_not_set_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("TOKEN", value)
    with pytest.raises(ConfigError, match="^here: the environment variable TOKEN is not set; set TOKEN$"):
        opener(tmp_path / "damlink.toml")(SecretRef("env", "TOKEN"), "here")


def test_opener_when_a_file_is_named_reads_it_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("s3cret \n")
    read = opener(tmp_path / "damlink.toml")
    assert read(SecretRef("file", "token.txt"), "here") == "s3cret "
    with pytest.raises(ConfigError, match="here: cannot read the secret in .*missing.txt: "):
        read(SecretRef("file", "missing.txt"), "here")


def test_find_when_asked_prefers_what_is_given_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(None) == Path("damlink.toml")
    monkeypatch.setenv("DAMLINK_CONFIG", "/etc/own.toml")
    assert find(None) == Path("/etc/own.toml")
    assert find("given.toml") == Path("given.toml")


def test_reference_when_asked_describes_every_key() -> None:
    tables = reference()
    assert list(tables) == [
        "state",
        "pace",
        "http",
        "serve",
        "console",
        "console.oidc",
        "notify",
        "portals.NAME",
        "connectors.NAME",
        "connectors.NAME.metadata",
    ]
    for table, fields in tables.items():
        for field in fields:
            assert field.help.endswith("."), f"{table}.{field.name} has no sentence"


OIDC = """
[console.oidc]
issuer = "https://login.example/realms/main"
client_id = "console"
client_secret = { env = "OIDC_SECRET" }
administrators = ["dam-admins"]
"""


def test_oidc_when_written_is_read_without_its_secret(loaded: Loaded) -> None:
    table = loaded(OIDC).oidc
    assert table is not None
    assert (table.unopened.issuer, table.unopened.claim) == ("https://login.example/realms/main", "groups")
    assert loaded("").oidc is None


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("https://login.example", "http://login.example", "oidc: issuer must begin with https://"),
        ("https://login.example", "https://me@login.example", "must not hold a user name"),
        ("/realms/main", "/realms/main?a=b", "issuer must have no query and no fragment"),
        ("/realms/main", "/realms/main#a", "issuer must have no query and no fragment"),
        ('client_id = "console"', 'client_id = ""', "client_id is empty"),
        ('client_id = "console"', "", "oidc.client_id: missing"),
        ('{ env = "OIDC_SECRET" }', '"a-secret"', "oidc.client_secret: expected .*a secret never stands"),
        ('["dam-admins"]', '"dam-admins"', r"oidc.administrators: expected"),
        ('["dam-admins"]', "[]", "name who may sign in"),
        ("administrators", "administrator", r"oidc.administrator: unknown key.*administrators"),
    ],
)
def test_oidc_when_wrong_is_refused_with_its_place(
    loaded: Loaded, before: str, after: str, error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        loaded(OIDC.replace(before, after))
