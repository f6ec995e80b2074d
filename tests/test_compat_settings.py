"""`wandb.Settings`: fields, conversions, rules, sources, and the page that lists the variables."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.settings import VARIABLES
from synadb.wandb_compat import _term
from synadb.wandb_compat._settings import RunMoment, Settings, environment_settings, gather
from synadb.wandb_compat._settings_fields import FIELDS, LEGACY, SPECIAL, variables
from synadb.wandb_compat.errors import UsageError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunScript

PAGE = ROOT / "docs" / "environment.md"

real = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of the developer's; each warning is one that was not seen before."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_term, "_once", set())


# --- beside real wandb ----------------------------------------------------------------------

# Both print, for each statement, what became of the settings or which error came.
PROBE = """
import collections, decimal, enum, json, os, pathlib, sys, types
import {module}
from {module} import Settings
from {errors} import UsageError

class Word(str, enum.Enum):
    offline = "offline"

def shown(value):
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)

found = []
for statement in json.loads({statements!r}):
    s = Settings(root_dir="/r", x_start_time=1700000000.25)
    try:
        value = eval(statement)
    except UsageError as error:
        found.append("UsageError")
    except (ValueError, AttributeError, TypeError) as error:
        # pydantic's error is a ValueError
        kinds = (ValueError, AttributeError, TypeError)
        found.append(next(kind.__name__ for kind in kinds if isinstance(error, kind)))
    else:
        if isinstance(value, Settings):
            names = sorted(value.model_fields_set)
            value = dict((name, shown(getattr(value, name))) for name in names)
        found.append(shown(value))
json.dump(found, sys.stdout)
"""

VALUES = {
    "silent": "'y' | 'Y' | 'n' | 'on' | 'off' | '1' | '0' | 't' | 'F' | 'yes' | 'TRUE' | '2' | "
    "'' | b'1' | 0.0 | 0.5 | 2 | 1 | [] | None",
    "summary_timeout": "'3' | '3.0' | '3.5' | '3.' | '1_0' | ' 5' | '0x1' | '+3' | '-0' | '' | "
    "3.0 | 3.5 | True | None | [] | float('nan') | float('inf') | b'3' | "
    "decimal.Decimal('3') | 2**70",
    "init_timeout": "'3' | 'abc' | '1e3' | 'inf' | ' 3 ' | '1_0' | '' | True | None | -1 | b'3' | "
    "decimal.Decimal('1.5')",
    "run_name": "'a' | '' | None | 5 | b'x' | Word.offline",
    "run_tags": "'abc' | ['a'] | ['a',''] | ['a',1] | [] | ('a','a') | {'a':1} | 5 | ['a'*64] | "
    "['a'*65] | None",
    "run_id": "'' | 'a' | 'a b' | ' a' | 'a/b' | 'a:b' | \"a'b\" | 5 | None",
    "sweep_id": "'' | ' a' | 'a' | None",
    "project": "'a/b' | 'a b' | '' | 'a'*128 | 'a'*129 | 'a?' | 3 | None",
    "mode": "'online' | 'offline' | 'dryrun' | 'run' | 'shared' | 'disabled' | 'bad' | '' | "
    "None | b'offline' | Word.offline | True",
    "resume": "True | False | 'allow' | 'must' | 'never' | 'auto' | 'true' | 1 | None",
    "reinit": "True | False | None | 'true' | 'create_new' | 'return_previous' | "
    "'finish_previous' | 'x' | 1 | 2",
    "console": "'auto' | 'off' | 'wrap' | 'redirect' | 'wrap_raw' | 'wrap_emu' | 'k' | None",
    "job_source": "'repo' | 'x' | None",
    "fork_from": "'a?_step=1' | 'a?_step=1.5' | 'a' | '' | 'a?_step=x' | 'a?loss=3' | "
    "'a/b?_step=1' | None",
    "api_key": "'a' | '' | ' a' | None",
    "base_url": "'x' | 'http://a.b/' | 'https://wandb.ai' | 'https://api.wandb.ai/' | 5 | "
    "'ftp://a' | 'http://' | 'http://api.wandb.ai' | 'http://a:99999' | "
    "'http://localhost:8080' | ' http://a' | None | 'https://forge.coreweave.com' | "
    "'https://forge.coreweave.com/api/wandb/'",
    "https_proxy": "'a' | 'http://a/' | '' | None",
    "ignore_globs": "'abc' | ['a'] | [1] | {'a'} | None | ('a','b')",
    "config_paths": "'a' | ['a'] | ('a',) | {'a'} | None",
    "x_stats_gpu_device_ids": "'[1,2]' | ['1'] | (1,2) | range(2) | None | 5",
    "x_extra_http_headers": "'{\"a\":\"b\"}' | {'a':1} | {'a':'b'} | [] | 'nojson' | '[1]' | None",
    "x_stats_open_metrics_filters": "{'a':{'b':'c'}} | ['a'] | '[\"a\"]' | 5 | {'a':1}",
    "stop_fn": "5 | None",
    "root_dir": "pathlib.Path('~/x') | 'x' | b'x' | 5 | None",
    "code_dir": "pathlib.Path('x')",
    "settings_system": "'~/x'",
    "x_stats_sampling_interval": "0.05 | 0.1 | '0.5' | 1",
    "_stats_sampling_interval": "0.05 | '0.5'",
    "x_service_wait": "-1 | 0",
    "x_primary_node": "False",
    "_primary": "False",
    "_label": "'a'",
    "console_chunk_max_bytes": "-1 | 0 | 5",
    "x_file_stream_max_line_bytes": "0 | 1",
    "x_history_value_encoding": "'typed' | 'JSON, typed' | 'foo'",
    "foo": "1",
    "_foo": "1",
    "files_dir": "'x'",
    "_offline": "True",
}

COMPUTED = """
    app_url colab_url deployment files_dir is_local log_dir log_internal log_symlink_internal
    log_symlink_user log_user project_url resume_fname run_mode run_url settings_workspace
    sweep_url sync_dir sync_file sync_symlink_latest timespec wandb_dir _args _aws_lambda
    _code_path_local _colab _ipython _jupyter _noop _offline _os _platform _python _shared
    _start_datetime _tmp_code_dir _windows
"""

FULL = (
    "Settings(entity='my ent', project='p q', run_id='r=1&a b', sweep_id='s w', root_dir='/zz', "
    "x_start_time=1700000000.5, use_dot_wandb=True, x_sync_dir_suffix='end', mode='offline')"
)


def statements() -> Iterator[str]:
    for name, values in VALUES.items():
        for value in values.split(" | "):
            yield f"Settings({name}={value})"
            if not name.startswith("_") and name not in ("foo", "x_primary_node"):
                yield f"setattr(s, {name!r}, {value}) or s"
    for name in COMPUTED.split():
        yield f"s.{name}"
        yield f"{FULL}.{name}"
        yield f"setattr(s, {name!r}, 1)"
    for url in ("http://localhost:8080", "https://api.foo.com", "https://api.qa.wandb.ai"):
        yield f"[getattr(Settings(base_url={url!r}), n) for n in ('app_url', 'deployment')]"
    yield "Settings(root_dir='~/x').wandb_dir"
    yield "Settings(x_files_dir='/q').files_dir"
    yield "s.nothing"
    yield "s['mode']"
    yield "'mode' in s"
    yield "Settings({'mode': 'offline'})"
    yield "Settings(mode='offline', x_skip_transaction_log=True)"
    yield "Settings(resume='allow', fork_from='a?_step=1')"
    yield "Settings(resume_from='a?_step=1', run_id='a')"
    yield "setattr(s, 'run_id', 'a') or setattr(s, 'fork_from', 'a?_step=1')"
    yield "setattr(s, 'run_id', 'a') or setattr(s, 'resume_from', 'b?_step=1')"
    yield "Settings(mode='bad', project='a/b')"
    yield "Settings(project=None) == Settings(), Settings(project='a') == Settings()"
    yield "hash(s)"
    yield "s.update_from_dict({'project': 'q', 'mode': None}) or s"
    yield "s.update_from_dict({'foo': 1})"
    yield "s.update_from_settings(Settings(project='q', entity=None)) or s"
    yield "s.model_dump(include={'project', 'run_tags', 'mode'})"
    yield "list(s.model_dump(exclude_unset=True, exclude={'_os'}, exclude_none=True))"
    yield "list(s.model_dump())"
    yield "Settings(fork_from='a?_step=3').model_dump(include={'fork_from'})"
    yield "Settings(run_tags=['a']).model_dump_json(include={'project', 'run_tags', 'mode'})"
    yield "[name for name, _ in s]"
    yield "[v for n, v in s if n not in ('anonymous', 'x_stats_pid', 'root_dir')]"
    for name, value in {
        "TAGS": "a, b",
        "RUN_TAGS": "c,d",
        "X_LABEL": "l",
        "_LABEL": "l",
        "NAME": "n",
        "RUN_NAME": "n",
        "DIR": "/q",
        "X_PRIMARY": "false",
        "IGNORE_GLOBS": "a,b",
        "RESUME": "true",
        "REINIT": "true",
        "MODE": "bad",
        "INIT_TIMEOUT": "5",
        "HTTP_TIMEOUT": "5",
        "DISABLED": "true",
        "NONSENSE": "x",
        "RUN_ID": "a/b",
        "FORK_FROM": "a?_step=3",
        "START_METHOD": "thread",
        "USER_EMAIL": "e",
        "APP_URL": "http://x",
        "FILES_DIR": "q",
        "DISABLE_GIT": "banana",
        "JOB_TYPE": "q",
        "X_STATS_GPU_DEVICE_IDS": "[0, 1]",
    }.items():
        yield f"s.update_from_env_vars({{'WANDB_{name}': {value!r}}}) or s"


@real
@pytest.mark.timeout(180)
def test_the_same_as_real_wandb(run_script: RunScript) -> None:
    asked = list(statements())
    env = {"WANDB_SILENT": "true", "WANDB_MODE": "offline"}

    def answers(module: str, errors: str) -> list[Any]:
        script = PROBE.format(module=module, errors=errors, statements=json.dumps(asked))
        found: list[Any] = json.loads(run_script(script, env=env).stdout)
        return found

    theirs = answers("wandb", "wandb.errors")
    ours = answers("synadb.wandb_compat._settings", "synadb.wandb_compat.errors")
    pairs = zip(asked, theirs, ours, strict=True)
    assert [pair for pair in pairs if pair[1] != pair[2]] == []


# --- fields ---------------------------------------------------------------------------------


def test_all_of_wandbs_fields() -> None:
    assert len(FIELDS) == 156
    settings = Settings()
    assert {name: getattr(settings, name) for name in FIELDS} == dict(settings)
    assert settings._given == set()


def test_what_depends_on_the_process(tmp_path: Path) -> None:
    settings = Settings()
    os.chdir("/")
    assert settings.root_dir == str(tmp_path)
    assert settings.x_stats_pid == os.getpid()
    assert settings.credentials_file.startswith(str(tmp_path / "home"))


def test_a_private_field_has_two_spellings() -> None:
    settings = Settings(_label="a")
    assert (settings.x_label, settings._label) == ("a", "a")
    settings._label = "b"
    assert settings.x_label == "b"
    with pytest.raises(AttributeError, match="_nothing"):
        settings._nothing  # noqa: B018


@pytest.mark.parametrize("name", sorted(LEGACY))
def test_a_field_of_an_older_wandb_warns_once(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for given_name in dict.fromkeys([name, name.removeprefix("x")]):
        settings = Settings(**{given_name: 1}, project="p")
        setattr(settings, given_name, 2)
        assert settings._given == {"project"}
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert said.startswith(f"wandb: WARNING wandb.Settings: {given_name} ")
        assert not hasattr(settings, given_name)


def test_every_mistake_of_a_call_is_named() -> None:
    with pytest.raises(ValueError, match="'moed'") as error:
        Settings(moed="online", silent="maybe", resume="often")
    assert "silent is true or false, not 'maybe'" in str(error.value)
    assert "resume is one of 'allow', 'must', 'never', 'auto', not 'often'" in str(error.value)


def test_an_error_changes_nothing() -> None:
    settings = Settings(resume="allow")
    with pytest.raises(ValueError, match="mutually exclusive"):
        setattr(settings, "resume_from", "a?_step=1")  # noqa: B010
    with pytest.raises(ValueError, match="mode"):
        settings.update_from_dict({"project": "p", "mode": "bad"})
    with pytest.raises(ValueError, match="mutually exclusive"):
        settings.update_from_settings(Settings(project="p", fork_from="a?_step=1"))
    assert settings == Settings(resume="allow")
    assert settings._given == {"resume"}


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"fork_from": "a?_step=1", "run_id": "a"}, "resume_from to rewind"),
        ({"run_id": "b", "resume_from": "a?_step=1"}, "leave run_id out"),
        ({"resume": "must", "resume_from": "a?_step=1"}, "mutually exclusive"),
    ],
)
def test_values_that_exclude_each_other_do_so_in_any_order(
    fields: dict[str, Any], part: str
) -> None:
    with pytest.raises(ValueError, match=part):
        Settings(**fields)
    for order in (list(fields), list(fields)[::-1]):
        settings = Settings()
        setattr(settings, order[0], fields[order[0]])
        with pytest.raises(ValueError, match=part):
            setattr(settings, order[1], fields[order[1]])


def test_a_moment_of_a_run() -> None:
    moment = RunMoment("a", 3)
    assert Settings(fork_from=moment).fork_from is moment
    assert Settings(fork_from={"run": "a", "value": 3}).fork_from == moment
    assert Settings(fork_from="a?_step=3").fork_from == moment
    assert moment != RunMoment("a", 4)
    with pytest.raises(ValueError, match="_step"):
        RunMoment("a", 3, "loss")
    with pytest.raises(TypeError):
        RunMoment("a", "3")


@pytest.mark.parametrize(
    ("field", "good", "bad", "error"),
    [
        ("project", "a b", "a/b", UsageError),
        ("project", "a" * 128, "a" * 129, UsageError),
        ("run_id", "a b", "a:b", UsageError),
        ("run_id", "a", "", UsageError),
        ("sweep_id", "a", " a", UsageError),
        ("api_key", "", "a ", UsageError),
        ("x_stats_sampling_interval", 0.1, 0.09, UsageError),
        ("x_service_wait", 0, -0.1, UsageError),
        ("run_tags", ("a" * 64,), ("a" * 65,), ValueError),
        ("run_tags", (), ("",), ValueError),
        ("mode", "shared", "sharde", ValueError),
        ("resume", "auto", "yes", ValueError),
        ("reinit", True, "yess", ValueError),
        ("console", "wrap_raw", "raw", ValueError),
        ("console_chunk_max_bytes", 0, -1, ValueError),
        ("base_url", "http://a:1", "a", ValueError),
        ("fork_from", None, "a", ValueError),
    ],
)
def test_rules_of_single_fields(
    field: str, good: object, bad: object, error: type[Exception]
) -> None:
    settings = Settings(**{field: good})
    assert getattr(settings, field) == good
    with pytest.raises(error):
        Settings(**{field: bad})
    with pytest.raises(error):
        setattr(settings, field, bad)
    assert getattr(settings, field) == good


# --- as a value -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        Settings.copy,
        Settings.model_copy,
        Settings.model_validate,
        lambda settings: pickle.loads(pickle.dumps(settings)),
    ],
)
def test_copies(copied: Any, tmp_path: Path) -> None:
    settings = Settings(project="p", run_tags=["a"], x_proxies={"a": "b"}, entity=None)
    (tmp_path / "other").mkdir()
    os.chdir(tmp_path / "other")
    new = copied(settings)
    assert new == settings
    assert type(new) is Settings
    assert new._given == {"project", "run_tags", "x_proxies", "entity"}
    assert new.root_dir == str(tmp_path)
    new.project = "q"
    assert settings.project == "p"
    if copied is not copy.copy:
        changed: Any = new.x_proxies
        changed["c"] = "d"
        assert settings.x_proxies == {"a": "b"}


def test_model_copy_with_changes() -> None:
    settings = Settings(project="p").model_copy(update={"mode": "offline"})
    assert (settings.project, settings.mode) == ("p", "offline")


def test_repr_shows_what_was_set_but_no_key() -> None:
    settings = Settings(mode="offline", api_key="secret", run_tags=["a"])
    assert repr(settings) == "Settings(mode='offline', api_key='***', run_tags=('a',))"
    assert repr(Settings()) == "Settings()"


def test_model_dump_choices() -> None:
    settings = Settings(project="p", mode="online", x_proxies={"a": "b"})
    assert settings.model_dump(round_trip=True, exclude_unset=True) == {
        "project": "p",
        "mode": "online",
        "x_proxies": {"a": "b"},
    }
    changed = settings.model_dump(round_trip=True, exclude_defaults=True)
    assert set(changed) == {"project", "x_proxies"}
    changed["x_proxies"]["c"] = "d"
    assert settings.x_proxies == {"a": "b"}
    assert Settings(**settings.model_dump(round_trip=True)) == settings
    assert json.loads(settings.model_dump_json())["run_mode"] == "run"


words = st.text(max_size=8)
kinds = {"bool": st.booleans(), "int": st.integers(), "str": words}
plain = {
    name: kinds[kind]
    for name, kind in ((n, k.removesuffix(" | None")) for n, k in FIELDS.items())
    if kind in kinds and name not in ("run_id", "sweep_id", "project", "api_key")
}
plain = {name: value for name, value in plain.items() if not name.startswith(("console", "x_"))}


@given(st.fixed_dictionaries({}, optional=plain))
def test_what_was_given_is_what_comes_out(fields: dict[str, Any]) -> None:
    settings = Settings(**fields)
    assert settings._given == set(fields)
    assert {name: getattr(settings, name) for name in fields} == fields
    assert settings.copy() == settings
    assert Settings(**settings.model_dump(round_trip=True, exclude_unset=True)) == settings


@given(st.lists(st.fixed_dictionaries({}, optional=plain), max_size=3))
def test_the_later_layer_wins(layers: list[dict[str, Any]]) -> None:
    settings = Settings()
    for layer in layers:
        settings.update_from_settings(Settings(**layer))
    merged = {name: value for layer in layers for name, value in layer.items()}
    assert settings == Settings(**merged)


# --- other sources --------------------------------------------------------------------------


def test_the_environment_is_read_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment_settings() == {}
    monkeypatch.setenv("WANDB_RUN_GROUP", "first")
    assert environment_settings() == {"run_group": "first"}
    monkeypatch.setenv("WANDB_RUN_GROUP", "second")
    monkeypatch.setenv("WANDB_X_STATS_SAMPLING_INTERVAL", "3")
    assert environment_settings() == {"run_group": "second", "x_stats_sampling_interval": 3.0}


@pytest.mark.parametrize("variable", sorted(SPECIAL))
def test_variables_with_names_of_their_own(variable: str) -> None:
    field = SPECIAL[variable]
    value = "5" if FIELDS[field].startswith("float") else "http://x"
    assert list(environment_settings({variable: value})) == [field]


def test_lists_and_dicts_from_the_environment() -> None:
    assert environment_settings(
        {
            "WANDB_TAGS": "a,b",
            "WANDB_CONFIG_PATHS": "a.yaml,b.yaml",
            "WANDB_IGNORE_GLOBS": "*.tmp",
            "WANDB_X_STATS_DISK_PATHS": "/,/data",
            "WANDB_X_STATS_GPU_DEVICE_IDS": "0,2",
            "WANDB_CAPTURE_LOGGERS": '{"root": "INFO"}',
        }
    ) == {
        "run_tags": ("a", "b"),
        "config_paths": ["a.yaml", "b.yaml"],
        "ignore_globs": ("*.tmp",),
        "x_stats_disk_paths": ["/", "/data"],
        "x_stats_gpu_device_ids": [0, 2],
        "capture_loggers": {"root": "INFO"},
    }


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_an_empty_variable_sets_nothing(name: str) -> None:
    assert environment_settings({f"WANDB_{name.upper()}": ""}) == {}


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(ValueError, match=r"WANDB_MODE: mode is one of .* not 'of'"):
        environment_settings({"WANDB_MODE": "of"})
    with pytest.raises(UsageError, match="WANDB_RUN_ID: Run ID cannot contain"):
        environment_settings({"WANDB_RUN_ID": "a/b"})


@pytest.mark.parametrize(
    ("environ", "saved"),
    [
        ({"WANDB_SAVE_CODE": "true"}, True),
        ({"WANDB_SAVE_CODE": "true", "WANDB_DISABLE_CODE": "true"}, False),
        ({"WANDB_DISABLE_CODE": "true"}, False),
        ({"WANDB_SAVE_CODE": "false"}, False),
        ({}, None),
    ],
)
def test_disable_code_beats_save_code(environ: dict[str, str], saved: bool | None) -> None:
    assert environment_settings(environ).get("save_code") is saved


def write_settings(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_order_of_all_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["project", "entity", "run_group", "run_name", "run_notes"]
    user = tmp_path / "home" / ".config" / "wandb" / "settings"
    write_settings(user, "[default]\n" + "".join(f"{name} = user\n" for name in names))
    write_settings(
        tmp_path / "wandb" / "settings",
        "[default]\n" + "".join(f"{name} = folder\n" for name in names[1:]) + "[x]\nmode=bad\n",
    )
    monkeypatch.setenv("WANDB_RUN_GROUP", "variable")
    monkeypatch.setenv("WANDB_NAME", "variable")
    monkeypatch.setenv("WANDB_NOTES", "variable")
    settings = gather(Settings(run_name="setup", run_notes="setup"), None, Settings(run_notes="i"))
    found = [getattr(settings, name) for name in names]
    assert found == ["user", "folder", "variable", "setup", "i"]
    said = capsys.readouterr().err
    assert said.startswith("wandb: Loading settings from ")
    assert str(user) in said
    gather()
    assert capsys.readouterr().err == ""


def test_the_folder_of_the_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path / "c" / "settings", "[default]\nentity = here\nignore_globs = a,b\n")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "c"))
    settings = gather()
    assert settings.entity == "here"
    assert settings.ignore_globs == ("a", "b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[default]\nentity = e\nmode = bad\n", "mode is one of"),
        ("[default]\nentity = e\nproject = a/b\n", "Invalid project name"),
        ("[default]\nentity = e\nfoo = b\n", "'foo'"),
        ("entity = e\n", "no section headers"),
        ("[default]\nentity = 100%\n", "Error reading"),
        ("[default]\nentity = \udcff\n", "Error reading"),
    ],
)
def test_a_broken_file_is_reported_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "wandb" / "settings"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    settings = Settings()
    settings.update_from_system_settings()
    assert settings._given == set()
    err = capsys.readouterr().err
    assert said in err
    assert str(path) in err


def test_a_file_cannot_move_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_settings(tmp_path / "wandb" / "settings", "[default]\nroot_dir = /x\nproject = p\n")
    settings = gather()
    assert (settings.root_dir, settings.project) == (str(tmp_path), "p")
    assert "root_dir has no effect in a settings file" in capsys.readouterr().err


DETECT = """
import json, os, sys
from synadb.wandb_compat._settings import gather
s = gather()
names = ["program", "program_relpath", "program_abspath", "host", "x_executable", "_args"]
print(json.dumps({name: getattr(s, name) for name in names}))
"""


def test_the_script_and_the_machine_are_found(tmp_path: Path, run_script: RunScript) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "job.py").write_text(DETECT, encoding="utf-8")
    starter = "import os, sys\nos.chdir('sub')\nos.execv(sys.executable, [sys.executable, *{}])"
    found = json.loads(run_script(starter.format(["job.py", "--lr", "1"])).stdout)
    assert found["program"].endswith("job.py")
    assert found["program_relpath"] == os.path.join("sub", "job.py")
    assert found["program_abspath"] == str(tmp_path / "sub" / "job.py")
    assert found["host"]
    assert found["x_executable"]
    assert found["_args"] == ["--lr", "1"]
    module = json.loads(run_script(starter.format(["-m", "job"])).stdout)
    assert module["program"] == "-m job"
    assert module["program_relpath"] is None


def test_the_git_root(tmp_path: Path) -> None:
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / "a" / "b").mkdir()
    settings = Settings(root_dir=tmp_path / "a" / "b")
    settings.infer_git_root()
    assert settings.git_root == str(tmp_path / "a")
    off = Settings(root_dir=tmp_path / "a" / "b", disable_git=True)
    off.infer_git_root()
    assert off.git_root is None


# --- the page -------------------------------------------------------------------------------


def tables() -> dict[str, str]:
    known = variables()
    rows = {
        "own": VARIABLES,
        "effect": {name: text for name, text in known.items() if text},
    }
    found = {
        table: "\n".join(
            ["| variable | what it does |", "|---|---|"]
            + [f"| `{name}` | {text} |" for name, text in content.items()]
        )
        for table, content in rows.items()
    }
    found["none"] = "\n".join(f"- `{name}`" for name, text in known.items() if not text)
    return found


def page_with_tables(page: str) -> str:
    for table, text in tables().items():
        start = f"<!-- table: {table} -->\n"
        before, _, rest = page.partition(start)
        page = f"{before}{start}{text}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


def test_the_page_lists_every_variable() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_tables(page), "run: python -m tests.test_compat_settings"
    listed = set(re.findall(r"^(?:\| |- )`(\w+)`", page, re.MULTILINE))
    assert listed == {*VARIABLES, *variables()}


def test_every_field_but_a_function_has_a_variable() -> None:
    named = {f"WANDB_{name.upper()}" for name in FIELDS} - {"WANDB_STOP_FN"}
    assert named <= set(variables())


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
