"""`damlink bynder`: each of the 53 published actions as a command, and what all commands share."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from damlink._cli import main
from damlink._cli.bynder import _command, actions, resources
from damlink._config.edit import document
from damlink.bynder._action import actions_of
from damlink_sandbox import Fault, Sandbox, Synthetic

# Each action, the command that carries it out, and the call that it makes.
ACTIONS = {
    "Add Asset Metaproperty Options": (
        "assets add-options --id {asset} --metaproperty-id {metaproperty} --option-id {option}",
        "POST /api/media/options",
    ),
    "Close Campaign": ("campaigns close --id {campaign}", "POST /api/workflow/campaigns/{}"),
    "Create Campaign": (
        "campaigns create --name Spring --key SPRG --description Flowers --responsible-id {me}",
        "POST /api/workflow/campaigns",
    ),
    "Create Collection": (
        "collections create --name Spring --description Flowers",
        "POST /api/v4/collections",
    ),
    "Create Job": (
        "jobs create --name Poster --campaign-id {campaign} --accountable-id {me} "
        "--preset-id {preset} --description Large",
        "POST /api/workflow/jobs",
    ),
    "Create User": (
        "users create --email new@portal.example --password-env PASSWORD --profile-id {profile} "
        "--first-name New --last-name User",
        "POST /api/v4/users",
    ),
    "Delete Asset": ("assets delete --id {asset}", "DELETE /api/v4/media/{}"),
    "Delete Asset Metaproperty Options": (
        "assets remove-options --id {asset} --metaproperty-id {metaproperty} --option-id {option}",
        "DELETE /api/media/options",
    ),
    "Delete Campaign": ("campaigns delete --id {campaign}", "DELETE /api/workflow/campaigns/{}"),
    "Delete Collection": ("collections delete --id {collection}", "DELETE /api/v4/collections/{}"),
    "Delete Job": ("jobs delete --id {job}", "DELETE /api/workflow/jobs/{}"),
    "Delete User": ("users delete --id {user}", "DELETE /api/v4/users/{}"),
    "Download Specific Asset Item": (
        "assets download --id {asset} --item-id {item}",
        "GET /api/v4/media/{}/download/{}",
    ),
    "Finalize Complete Upload": (
        "uploads finalise --id {upload} --target-id {target} --s3-filename {s3_filename} --chunks 1",
        "POST /api/v4/upload",
    ),
    "Finalize Complete Upload And Save As New Asset Additional": (
        "uploads finalise-additional --id {upload} --asset-id {asset} --target-id {target} "
        "--s3-filename {s3_filename} --chunks 1",
        "POST /api/v4/media/{}/save/additional/{}",
    ),
    "Generate Dynamic Asset Transformation": (
        "assets transform --id {asset} --name a --io transform:scale,width:16,height:16 --format png "
        "--output {folder}/a.png",
        "GET /transform/{}/a",
    ),
    "Get Account Information": ("account get", "GET /api/v4/account"),
    "Get Asset": ("assets get --id {asset} --versions --stats", "GET /api/v4/media/{}"),
    "Get Campaign": ("campaigns get --id {campaign}", "GET /api/workflow/campaigns/{}"),
    "Get Closest S3 Upload Endpoint": ("uploads endpoint", "GET /api/upload/endpoint"),
    "Get Collection": ("collections get --id {collection}", "GET /api/v4/collections/{}"),
    "Get Current User": ("users current", "GET /api/v4/currentUser"),
    "Get Job": ("jobs get --id {job}", "GET /api/workflow/jobs/{}"),
    "Get Job Preset": ("jobs preset --id {preset}", "GET /api/workflow/presets/job/{}"),
    "Get Media of Job": ("jobs media --id {job}", "GET /api/workflow/jobs/{}/media"),
    "Get Order": ("orders get --order-number {order_number}", "GET /api/store/order/{}/products"),
    "Get Order Info": ("orders info --id {order}", "GET /api/store/order/{}"),
    "Get Security Profile": ("profiles get --id {profile}", "GET /api/v4/profiles/{}"),
    "Get User": ("users get --id {username}", "GET /api/v4/users/{}"),
    "Initialize Upload": ("uploads init --filename a.jpg", "POST /api/upload/init"),
    "List Assets": ("assets list --limit 1 --tag spring", "GET /api/v4/media"),
    "List Brands": ("brands list", "GET /api/v4/brands"),
    "List Campaigns": ("campaigns list", "GET /api/workflow/campaigns"),
    "List Collections": ("collections list", "GET /api/v4/collections"),
    "List Jobs": ("jobs list --limit 1", "GET /api/workflow/jobs"),
    "List Jobs By Campaign": ("campaigns jobs --id {campaign}", "GET /api/workflow/campaigns/{}/jobs"),
    "List Metaproperties": ("metaproperties list --options", "GET /api/v4/metaproperties"),
    "List Orders": ("orders list", "GET /api/store/order"),
    "List Security Profiles": ("profiles list", "GET /api/v4/profiles"),
    "List Users": ("users list --include-inactive", "GET /api/v4/users"),
    "Raw Request": ("raw GET /api/v4/smartfilters", "GET /api/v4/smartfilters"),
    "Register Uploaded Chunk": (
        "uploads register --id {upload} --chunk-number 1 --target-id {target} --filename {s3_filename}/p1",
        "POST /api/v4/upload",
    ),
    "Retrieve Poll State": ("uploads poll --item {import}", "GET /api/v4/upload/poll"),
    "Save a New Asset": (
        "uploads save --import-id {import} --brand-id {brand} --name Saved --extra isPublic=0",
        "POST /api/v4/media/save/{}",
    ),
    "Save as a New Asset Version": (
        "uploads save-version --asset-id {asset} --import-id {import}",
        "POST /api/v4/media/{}/save/{}",
    ),
    "Share Collection": (
        "collections share --id {collection} --collection-options view --recipient a@portal.example",
        "POST /api/v4/collections/{}/share",
    ),
    "Update Asset": ("assets modify --id {asset} --name Renamed --copyright Us", "POST /api/v4/media/{}"),
    "Update Campaign": (
        "campaigns update --id {campaign} --name Summer --key SUMM --description Sun",
        "PUT /api/workflow/campaigns/{}",
    ),
    "Update Collection": (
        "collections update --id {collection} --name Summer --description Sun",
        "POST /api/v4/collections/{}",
    ),
    "Update Job": ("jobs update --id {job} --name Banner", "PUT /api/workflow/jobs/{}"),
    "Update Order": (
        "orders update --id {order} --status FINISHED --message Done --tracking-number 1Z",
        "POST /api/store/order/{}/products",
    ),
    "Update User": ("users update --id {user} --first-name Nova", "POST /api/v4/users/{}"),
    "Upload Chunk": (
        "uploads chunk --upload-url {endpoint} --multipart-params {multipart} --file {file} --chunk 1 "
        "--chunks 1",
        "POST /",
    ),
}
IN_UPLOADS = {
    "Upload Chunk": 1,
    "Register Uploaded Chunk": 2,
    "Finalize Complete Upload": 3,
    "Finalize Complete Upload And Save As New Asset Additional": 3,
    "Retrieve Poll State": 4,
    "Save a New Asset": 5,
    "Save as a New Asset Version": 5,
}
SECRET = "a-password-that-nobody-may-see"


class Commands:
    """The command line in a folder with a config, and what it wrote."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture
        self.err = ""

    def __call__(self, *arguments: str, expect: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(self.folder / "damlink.toml"), "bynder", *arguments])
        out, self.err = self._capture.readouterr()
        assert ended.value.code == expect, self.err
        return out

    def json(self, line: str) -> Any:
        """The one document that a command wrote."""
        return json.loads(self("brand", *shlex.split(line)))

    def lines(self, line: str) -> list[Any]:
        """What each line that a command wrote holds."""
        return [json.loads(text) for text in self("brand", *shlex.split(line)).splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Iterator[Sandbox]:
    media = [Synthetic("beach.jpg", 4000, "image", 1, 64, 48)]
    with Sandbox([], media=media) as running, pytest.MonkeyPatch.context() as patch:
        portal = running.part("bynder")
        portal.control("lag", {"index": 0})
        portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        patch.setenv("TOKEN", portal.connector()["token"])
        patch.setenv("PASSWORD", SECRET)
        patch.setenv("DAMLINK_STATE_DIR", str(folder))
        brand = {"url": running.origins["portal"], "token": {"env": "TOKEN"}}
        tables = {"pace": {"requests": 100_000, "share": 1.0}, "portals": {"brand": brand}}
        (folder / "damlink.toml").write_text(document(tables), encoding="utf-8")
        yield running


@pytest.fixture
def run(sandbox: Sandbox, folder: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(folder, capsys)


@pytest.fixture
def control(sandbox: Sandbox) -> Callable[..., Any]:
    return lambda action, **body: sandbox.part("bynder").control(action, body)


class Ids(dict[str, Any]):
    """One of everything, made when it is asked for."""

    def __init__(self, run: Commands, control: Callable[..., Any]) -> None:
        super().__init__(folder=run.folder)
        self._run, self._control = run, control

    def __missing__(self, name: str) -> Any:
        self[name] = made = getattr(self, f"_{name}")()
        return made

    def _asset(self) -> str:
        made = self._control("add_asset", name="Beach", media=0, filename="beach.jpg", tags=["spring"])
        return str(made["id"])

    def _item(self) -> str:
        return str(self._run.json(f"assets get --id {self['asset']} --versions")["mediaItems"][0]["id"])

    def _metaproperty(self) -> str:
        name = f"colour{self['asset'][:8]}"
        return str(
            self._control("metaproperty", name=name, type="select2", options=["red"], multi=True)["id"]
        )

    def _option(self) -> str:
        return str(self._run.json(f"metaproperties get --name {self['metaproperty']}")["options"][0]["id"])

    def _campaign(self) -> str:
        return str(self._control("add_campaign")["id"])

    def _job(self) -> str:
        return str(self._control("add_job", campaign=self["campaign"])["id"])

    def _preset(self) -> str:
        return str(self._control("add_preset")["id"])

    def _collection(self) -> str:
        return str(self._run.json("collections create --name Kept"))

    def _order(self) -> str:
        made = self._control("add_order")
        self["order_number"] = made["reference"]
        return str(made["id"])

    def _order_number(self) -> str:
        return str(self._control("add_order")["reference"])

    def _user(self) -> str:
        return str(self._control("add_user")["id"])

    def _username(self) -> str:
        return str(self._control("add_user")["username"])

    def _me(self) -> str:
        return str(self._run.json("users current")["id"])

    def _profile(self) -> str:
        return str(self._run.json("users current")["profileId"])

    def _brand(self) -> str:
        return str(self._run.lines("brands list")[0]["id"])


@pytest.fixture
def ids(run: Commands, control: Callable[..., Any]) -> Ids:
    return Ids(run, control)


def uploaded(run: Commands, folder: Path, steps: int) -> dict[str, Any]:
    """An upload as far as so many steps bring it, each by its command."""
    file = folder / "chunk.jpg"
    file.write_bytes(b"a small picture")
    opened = run.json("uploads init --filename chunk.jpg")
    made = {
        "endpoint": run.json("uploads endpoint"),
        "file": file,
        "upload": opened["s3file"]["uploadid"],
        "target": opened["s3file"]["targetid"],
        "s3_filename": opened["s3_filename"],
        "multipart": shlex.quote(json.dumps(opened["multipart_params"])),
    }
    for action in ("Upload Chunk", "Register Uploaded Chunk")[: steps - 1]:
        run("brand", *shlex.split(ACTIONS[action][0].format(**made)))
    if steps > 3:
        made["import"] = run.json(ACTIONS["Finalize Complete Upload"][0].format(**made))["importId"]
    return made


def converted(run: Commands, made: dict[str, Any]) -> bool:
    poll, deadline = ACTIONS["Retrieve Poll State"][0].format(**made), time.monotonic() + 20
    while made["import"] not in run.json(poll)["itemsDone"] and time.monotonic() < deadline:
        time.sleep(0.01)
    return time.monotonic() < deadline


def calls(err: str) -> list[str]:
    """The calls that `--debug-request` showed, as `METHOD /path`."""
    shown = re.findall(r"^curl -X (\w+) '?https?://[^/]+(/[^?'\s]*)", err, re.MULTILINE)
    return [f"{method} {path.rstrip('/') or '/'}" for method, path in shown]


@pytest.mark.parametrize("action", ACTIONS)
def test_action_when_called_by_its_command_makes_its_call(
    run: Commands, ids: Ids, folder: Path, action: str
) -> None:
    line, call = ACTIONS[action]
    made = uploaded(run, folder, IN_UPLOADS[action]) if action in IN_UPLOADS else {}
    assert IN_UPLOADS.get(action) != 5 or converted(run, made)
    ids.update(made)
    run("brand", *shlex.split(line.format_map(ids)), "--debug-request")
    pattern = re.escape(call).replace(r"\{\}", "[^/]+")
    assert [each for each in calls(run.err) if re.fullmatch(pattern, each)], run.err


def test_actions_when_the_client_is_walked_are_these_53() -> None:
    marked = [
        name
        for kind in resources().values()
        for _, method in actions(kind)
        for name in actions_of(method) or ()
    ]
    assert len(ACTIONS) == 53
    assert sorted(marked) == sorted(ACTIONS)


# --- what the commands do --------------------------------------------------------------------------


def test_user_when_created_updated_and_deleted_is_so_in_the_portal(run: Commands, ids: Ids) -> None:
    created = run.json(
        f"users create --email u2@portal.example --password-env PASSWORD --profile-id {ids['profile']} "
        "--first-name Uma --last-name Two --no-active"
    )
    run.json(f"users update --id {created['id']} --last-name Three")
    found = run.json("users get --id u2@portal.example")
    assert (found["id"], found["firstname"], found["lastname"]) == (created["id"], "Uma", "Three")
    assert created["id"] not in [user["id"] for user in run.lines("users list")]
    assert created["id"] in [user["id"] for user in run.lines("users list --include-inactive")]
    assert run.json(f"users delete --id {created['id']}") == {"done": "users delete", "id": created["id"]}
    run("brand", "users", "get", "--id", created["id"], expect=1)
    assert created["id"] in run.err


def test_campaign_when_closed_is_closed_and_its_new_id_is_one_that_calls_take(run: Commands) -> None:
    created = run.json("campaigns create --name C --key CCCC --deadline 2030-02-01")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created["id"])
    run("brand", "campaigns", "close", "--id", created["id"])
    found = run.json(f"campaigns get --id {created['id']}")
    assert (found["closed"], found["deadline"][:10]) == (True, "2030-02-01")


def test_page_when_asked_for_tells_the_totals(run: Commands, control: Callable[..., Any]) -> None:
    campaign = control("add_campaign")["id"]
    for number in range(3):
        control("add_job", campaign=campaign, name=f"Job {number}")
    page = run.json(f"jobs page --campaign-id {campaign} --page 2 --limit 2")
    assert (len(page["items"]), page["page"], page["total"], page["pages"]) == (1, 2, 3, 2)
    assert len(run.lines(f"campaigns jobs --id {campaign} --limit 2")) == 2
    assert len(run.lines(f"campaigns jobs --id {campaign}")) == 3


def listings() -> list[Any]:
    """Every command that lists page after page and takes a limit."""
    found = [
        (resource, name, method) for resource, kind in resources().items() for name, method in actions(kind)
    ]
    return [
        pytest.param(method, id=f"{resource} {name}")
        for resource, name, method in found
        if "limit" in inspect.signature(method).parameters
        and str(inspect.signature(method).return_annotation).startswith("Listing")
    ]


@pytest.mark.parametrize("method", listings())
def test_limit_when_a_command_lists_is_the_most_it_lists(method: Callable[..., Any]) -> None:
    (option,) = [each for each in _command("", "list", method).params if each.name == "limit"]
    assert isinstance(option, click.Option)
    assert option.help == "List at most this many."


@pytest.mark.parametrize(("limit", "listed"), [(1, 1), (3, 3), (2000, 4)])
def test_assets_when_listed_with_a_limit_are_no_more(
    run: Commands, control: Callable[..., Any], limit: int, listed: int
) -> None:
    tag = f"limit-{limit}"
    control("add_asset", name="Asset", filename="a.jpg", size=10, times=4, tags=[tag])
    assert len(run.lines(f"assets list --tag {tag} --limit {limit}")) == listed


def test_orders_when_there_are_more_than_a_page_are_all_listed(
    run: Commands, control: Callable[..., Any]
) -> None:
    before = len(run.lines("orders list"))
    control("add_order", times=21)
    assert len({order["id"] for order in run.lines("orders list")}) == before + 21


# --- secrets, requests shown -----------------------------------------------------------------------


def test_request_when_shown_hides_every_secret(run: Commands, ids: Ids, sandbox: Sandbox) -> None:
    run("brand", "users", "update", "--id", ids["user"], "--password-env", "PASSWORD", "--debug-request")
    assert "password=**redacted**" in run.err
    assert "authorization: **redacted**" in run.err
    assert SECRET not in run.err
    assert sandbox.part("bynder").connector()["token"] not in run.err


def test_policy_of_an_upload_when_shown_is_hidden(run: Commands, folder: Path) -> None:
    made = uploaded(run, folder, 1)
    line = ACTIONS["Upload Chunk"][0].format(**made)
    run("brand", *shlex.split(line), "--debug-request")
    params = json.loads(shlex.split(made["multipart"])[0])
    hidden = [value for name, value in params.items() if re.search("policy|signature|credential", name, re.I)]
    assert hidden
    assert [value for value in hidden if value in run.err] == []
    assert "file=<file chunk.jpg>" in run.err


def test_password_when_piped_in_is_read(
    run: Commands, ids: Ids, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    entered = folder / "entered"
    entered.write_text(f"{SECRET}\n")
    with entered.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        changed = run.json(f"users update --id {ids['user']} --password -")
    assert changed["id"] == ids["user"]


# --- raw -------------------------------------------------------------------------------------------


def test_raw_when_the_answer_is_text_or_bytes_is_given_as_it_came(run: Commands, folder: Path) -> None:
    text = run("brand", "raw", "get", "/api/v4/account", "--response", "text")
    assert text == run("brand", "raw", "GET", "/api/v4/account", "--response", "bytes")
    assert (
        run("brand", "raw", "GET", "/api/v4/account", "--output", str(folder / "it"), "--response", "text")
        == ""
    )
    assert (folder / "it").read_text() == text


def test_file_of_an_asset_when_asked_for_is_written_whole(
    run: Commands, control: Callable[..., Any], folder: Path
) -> None:
    asset = control("add_asset", text="the bytes")["id"]
    assert run("brand", "assets", "content", "--id", asset, "--output", str(folder / "file")) == ""
    assert (folder / "file").read_text() == "the bytes"
    assert run("brand", "assets", "content", "--id", asset) == "the bytes"


@pytest.mark.parametrize("before", [None, "as it was"], ids=["no file", "a file"])
def test_file_of_an_asset_when_it_breaks_off_leaves_all_as_it_was(
    run: Commands, sandbox: Sandbox, control: Callable[..., Any], tmp_path: Path, before: str | None
) -> None:
    asset = control("add_asset", text="the bytes")["id"]
    output = tmp_path / "file"
    found = [output.write_text(before)] if before else []
    fault = Fault(service="s3", match="GET /download/", kind="truncate", times=0)
    sandbox.world.faults.add(fault)
    try:
        run("brand", "assets", "content", "--id", asset, "--output", str(output), expect=1)
    finally:
        sandbox.world.faults.clear()
    assert fault.struck > 1
    assert [each.stat().st_size for each in tmp_path.iterdir() if each.is_file()] == found


def test_raw_when_included_shows_status_and_headers(run: Commands) -> None:
    answer = run.json("raw GET /api/v4/users/ --query limit=1 --query page=1 --include")
    assert (answer["status"], len(answer["body"])) == (200, 1)
    assert answer["headers"]["x-pagination-limit"] == "1"


def test_raw_when_refused_shows_the_whole_answer_and_says_so(run: Commands) -> None:
    line = "raw GET /api/v4/metaproperties/none/ --include"
    answer = json.loads(run("brand", *shlex.split(line), expect=1))
    assert (answer["status"], answer["headers"]["content-type"]) == (404, "application/json")
    assert answer["body"]
    assert "404" in run.err


def test_letters_when_written_as_json_are_not_escaped(run: Commands, control: Callable[..., Any]) -> None:
    asset = control("add_asset", name="Größe 🌊")["id"]
    assert '"name": "Größe 🌊"' in run("brand", "assets", "get", "--id", asset)
    assert "Größe 🌊" in run("brand", "assets", "list", "--id", asset)


def test_list_when_the_limit_stands_among_the_extras_goes_on_to_its_end(
    run: Commands, control: Callable[..., Any]
) -> None:
    control("add_asset", times=7, tags=["many"])
    assert len(run.lines("assets list --tag many --extra limit=3")) == 7


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("brnd account get", 3, "no portal 'brnd'; did you mean 'brand'?"),
        ("brand users create --password geheim", 2, "a secret is no argument"),
        ("brand users update --id x --password-env NOWHERE", 2, "NOWHERE is not set"),
        ("brand users get", 2, "Missing option '--id'"),
        ("brand jobs list --deadline-from yesterday", 2, "'yesterday' is no date"),
        ("brand jobs list --extra nonsense", 2, "neither NAME=VALUE nor a JSON object"),
        ("brand raw POST /x --json {", 2, "this is no JSON"),
        ("brand orders update --id x --status LOST", 2, "'LOST' is not one of"),
        ("brand orders get", 2, "by its id or by its number"),
        ("brand orders get --id a --order-number b", 2, "by its id or by its number"),
        ("brand users delete --id ''", 2, "an id is missing"),
        ("brand raw GET /x --timeout -1", 2, "the timeout is -1 seconds"),
        ("brand raw GET /x --timeout 0", 2, "the timeout is 0 seconds"),
        ("brand raw GET /x --max-retries -1", 2, "counted from 0"),
        ("brand raw GET /x --header Größe=1", 2, "'Größe' is no name of a header"),
        ("brand raw GET /x --header Size=ß", 2, "the header Size holds what no header may"),
        ("brand raw 'GE T' /x", 2, "'GE T' is no method"),
        ("brand raw GET http://[::1", 2, "is no address"),
        ("brand raw POST /x --body-file /no/such/file", 2, "/no/such/file"),
        ("brand raw POST /x --file a=/no/such/file", 2, "cannot read /no/such/file"),
        ("brand assets list --extra page=2", 2, "page is not for a list, which requests all pages"),
        ("brand collections list --extra limit=many", 2, "limit must be a whole number, not 'many'"),
        ("brand users get --id nobody@portal.example", 1, "nobody@portal.example"),
        ("brand nonsense", 2, "No such command 'nonsense'"),
    ],
)
def test_command_when_it_cannot_be_carried_out_says_why_in_one_line(
    run: Commands, line: str, code: int, said: str
) -> None:
    assert run(*shlex.split(line), expect=code) == ""
    assert said in run.err
    assert len(run.err.splitlines()) == 1
    assert "geheim" not in run.err


def test_call_when_a_right_is_missing_names_scope_and_role(
    run: Commands, control: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", control("add_token", scopes=["asset:read"], roles=[])["token"])
    run("brand", "users", "list", expect=4)
    assert "needs the scope admin.user:read, and its user's profile the role USERMANAGEMENT" in run.err


@pytest.mark.parametrize("line", ["", "brand", "brand users --help", "brand users create --help"])
def test_help_when_asked_needs_no_config(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["bynder", *line.split()])
    out, err = capsys.readouterr()
    assert "Usage: damlink bynder" in out + err


def test_option_when_it_is_derived_has_a_help_text() -> None:
    import click

    from damlink._cli.bynder import command

    ctx = click.Context(command)
    groups = [command.get_command(ctx, name) for name in resources()]
    every = [each for group in groups if isinstance(group, click.Group) for each in group.commands.values()]
    bare = [
        f"{each.name} {option.name}"
        for each in every
        for option in each.params
        if not getattr(option, "help", "x")
    ]
    assert len(every) > 53
    assert bare == []
    assert [each.name for each in every if not each.help] == []
