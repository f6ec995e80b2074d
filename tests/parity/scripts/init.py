"""`wandb.init`: arguments, the environment, several runs, what is refused."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from tests.parity.play import GONE, See, alone, differs, environment
from tests.parity.scripts._wandb import wandb


def arguments(see: See) -> None:
    run = wandb.init(
        entity="e",
        project="p",
        id="init-arguments",
        name="a name",
        notes="some\nnotes",
        tags=["b", "a"],
        config={"x": 1},
        group="g",
        job_type="train",
    )
    see("run", [run.entity, run.project, run.id, run.name, run.notes, run.tags, run.path])
    see("more", [run.group, run.job_type, run.resumed, run.step, run.starting_step, run.sweep_id])


def positional(see: See) -> None:
    run = wandb.init("e", "p", os.getcwd(), "init-position", "n", "note", ("t",), {"x": 1})
    see("run", [run.entity, run.project, run.id, run.name, run.notes, run.tags, dict(run.config)])
    see("dir", run.dir.startswith(os.getcwd()))


@differs("seen.name", True, "names are made here, not by a server")
def defaults(see: See) -> None:
    run = wandb.init()
    see("run", [run.entity, run.project, run.group, run.job_type, run.notes, run.tags])
    see("flags", [run.resumed, run.disabled, run.offline, run.url, run.project_url, run.sweep_url])
    see("id", re.fullmatch("[a-z0-9]{8}", run.id) is not None)
    see("path", run.path == f"{run.project}/{run.id}")
    see("name", re.fullmatch(r"[a-z]+-[a-z]+-\d+", run.name or "") is not None)
    see("step", [run.step, run.starting_step])


def bad_ids(see: See) -> None:
    ids: dict[str, Any] = {f"with {c}": f"a{c}b" for c in ":;,#?/'"}
    ids |= {"empty": "", "blank": " ", "edge": " a", "number": 3}
    for name, run_id in ids.items():
        with see.error(name, "Run ID cannot contain the characters"):
            wandb.init(project="p", id=run_id)
        see(f"{name} run", wandb.run is None)
        wandb.finish()


def bad_projects(see: See) -> None:
    for name, project in {
        **{f"with {c}": f"a{c}b" for c in "/\\#?%:"},
        "long": "x" * 129,
        "number": 3,
    }.items():
        with see.error(name, "Invalid project name", "exceeded 128"):
            wandb.init(project=project)
        see(f"{name} run", wandb.run is None)
    see("longest", len(wandb.init(project="x" * 128).project))


def bad_words(see: See) -> None:
    for argument in ("mode", "resume", "reinit"):
        with see.error(argument):
            wandb.init(project="p", **{argument: "sometimes"})
    for name, tags in {
        "empty tag": [""],
        "long tag": ["x" * 65],
        "int tag": [3],
        "tags of another kind": 5,
    }.items():
        with see.error(name):
            wandb.init(project="p", tags=tags)
    with see.error("unknown keyword"):
        wandb.init(project="p", colour="red")
    with see.error("unknown setting"):
        wandb.init(project="p", settings={"no_such": 1})
    with see.error("name"):
        wandb.init(project="p", name=3)
    see("run", wandb.run)


def bad_forks(see: See) -> None:
    for name, arguments in {
        "no step": {"fork_from": "abc"},
        "word": {"fork_from": "abc?_step=x"},
        "other metric": {"fork_from": "abc?loss=3"},
        "itself": {"fork_from": "abc?_step=1", "id": "abc"},
        "with resume": {"fork_from": "abc?_step=1", "resume": "allow"},
        "both": {"fork_from": "abc?_step=1", "resume_from": "abc?_step=1"},
        "resume_from and resume": {"resume_from": "abc?_step=1", "resume": "must"},
        "resume_from, other id": {"resume_from": "abc?_step=1", "id": "other"},
        "resume_from, no step": {"resume_from": "abc"},
    }.items():
        with see.error(name):
            wandb.init(project="p", **arguments)
        see(f"{name} run", wandb.run is None)
        wandb.finish()


def odd_tags(see: See) -> None:
    run = wandb.init(project="p", tags="abc")
    see("letters", run.tags)
    run.finish()
    run = wandb.init(project="p", tags=("b", "a", "b"))
    see("twice", sorted(set(run.tags)))
    run.finish()
    run = wandb.init(project="p", tags=["x" * 64, "with blank", "ü"])
    see("odd", run.tags)


def tags_changed(see: See) -> None:
    run = wandb.init(project="p", tags=["a"])
    run.tags += ("b",)
    see("added", run.tags)
    run.tags = ["c", "d"]
    see("list", [run.tags, type(run.tags)])
    run.tags = {"e"}
    run.tags = ("ok", "")
    see("invalid", run.tags)
    with see.error("None"):
        run.tags = None
    with see.error("number"):
        run.tags = 3
    see("left", run.tags)


def several(see: See) -> None:
    first = wandb.init(project="p", config={"a": 1})
    second = wandb.init(project="q", config={"lost": 1}, name="lost")
    see("same", [second is first, wandb.run is first, first.project, dict(first.config)])
    see("False", wandb.init(reinit=False) is first)
    see("return_previous", wandb.init(reinit="return_previous") is first)
    beside = wandb.init(project="b", reinit="create_new")
    see("beside", [beside is first, wandb.run is first, wandb.config is first.config])
    see("most recent", wandb.init(reinit="return_previous") is beside)
    wandb.log({"x": 1})
    beside.log({"y": 1})
    third = wandb.init(project="r", reinit="finish_previous")
    see("third", [wandb.run is third, third.project])
    with see.error("first is over"):
        first.log({"x": 2})
    with see.error("beside is over"):
        beside.log({"x": 2})
    fourth = wandb.init(project="s", reinit=True)
    see("fourth", [wandb.run is fourth, fourth is third])
    fourth.finish()
    see("none", wandb.run)


def global_ends_first(see: See) -> None:
    first = wandb.init(project="p")
    beside = wandb.init(project="q", reinit="create_new")
    first.finish()
    see("run", wandb.run)
    with see.error("log"):
        wandb.log({"a": 1})
    beside.log({"a": 1})
    see("returned", wandb.init(reinit="return_previous") is beside)
    beside.finish()


def must_beside_an_active_one(see: See) -> None:
    wandb.init(project="p")
    with see.error("must", "Cannot resume a run while another run is active"):
        wandb.init(project="p", id="init-other", resume="must")
    see("still", wandb.run is not None)


def from_environment(see: See) -> None:
    with environment(
        {
            "WANDB_PROJECT": "env-project",
            "WANDB_ENTITY": "env-entity",
            "WANDB_NAME": "env-name",
            "WANDB_RUN_GROUP": "env-group",
            "WANDB_JOB_TYPE": "env-job",
            "WANDB_NOTES": "env-notes",
            "WANDB_TAGS": "one,two",
            "WANDB_RUN_ID": "init-env",
        }
    ):
        run = wandb.init()
        see("run", [run.project, run.entity, run.name, run.group, run.job_type, run.notes])
        see("more", [sorted(run.tags), run.id, run.path])
        run.finish()


def arguments_beat_the_environment(see: See) -> None:
    with environment({"WANDB_PROJECT": "no", "WANDB_NAME": "no", "WANDB_TAGS": "no"}):
        run = wandb.init(project="p", name="n", tags=["t"])
        see("run", [run.project, run.name, run.tags])
        run.finish()


def settings_beat_the_environment(see: See) -> None:
    with environment({"WANDB_PROJECT": "no", "WANDB_RUN_GROUP": "env", "WANDB_NOTES": "env"}):
        settings = wandb.Settings(project="set", run_group="set", run_name="set", run_tags=["s"])
        run = wandb.init(settings=settings, name="argument")
        see("run", [run.project, run.group, run.name, run.tags, run.notes])
        run.settings.project = "changed"
        see("copy", [run.settings.project, run.project])
        run.finish()
        run = wandb.init(settings={"project": "dict", "run_job_type": "j"})
        see("dict", [run.project, run.job_type])
        run.finish()


def folder_from_environment(see: See) -> None:
    place = Path("elsewhere").absolute()
    place.mkdir()
    with environment({"WANDB_DIR": str(place)}):
        run = wandb.init(project="p")
        see("dir", [run.dir.startswith(str(place / "wandb")), Path(run.dir).is_dir()])
        see("link", (place / "wandb" / "latest-run").resolve() == Path(run.dir).parent)
        run.finish()
    run = wandb.init(project="p", dir=place / "other")
    see("argument", run.dir.startswith(str(place / "other")))


def offline_words(see: See) -> None:
    for word in ("offline", "dryrun"):
        run = wandb.init(project="p", mode=word, reinit=True)
        see(word, [run.offline, run.disabled, run.url, run.settings.mode, run.settings._offline])
        run.log({"a": 1})


def modes_in_order(see: See) -> None:
    with environment({"WANDB_MODE": "disabled"}):
        run = wandb.init(project="p")
        see("environment", [run.disabled, run.offline])
        run.finish()
        run = wandb.init(project="p", settings=wandb.Settings(mode="offline"))
        see("settings", [run.disabled, run.offline])
        run.finish()
        run = wandb.init(project="p", mode="offline", settings=wandb.Settings(mode="disabled"))
        see("argument", [run.disabled, run.offline])
        run.finish()


def wandb_disabled_variable(see: See) -> None:
    with environment({"WANDB_DISABLED": "true"}):
        run = wandb.init(project="p")
        see("disabled", run.disabled)
        run.finish()


def given_id_twice(see: See) -> None:
    for value in (1, 2):
        run = wandb.init(project="p", id=f"init-again-{value}")
        run.log({"a": value})
        see(f"run {value}", [run.id, run.resumed, run.starting_step])
        run.finish()


def accepted_and_ignored(see: See) -> None:
    run = wandb.init(project="p", force=False, anonymous="allow", save_code=False, reinit=True)
    see("run", [run.project, run.disabled])
    run.finish()
    run = wandb.init(project="p", tensorboard=False, sync_tensorboard=False, monitor_gym=False)
    see("tensorboard", run.disabled)


@differs("seen.magic", "no error", "init(magic=) of older releases is accepted (semantics.md, 10)")
@differs("seen.start_method", "no error", "old settings are accepted (surface.md, 8)")
def old_keywords(see: See) -> None:
    with see.error("magic"):
        wandb.init(project="p", magic=False, mode="disabled")
    with see.error("start_method"):
        wandb.Settings(start_method="thread")


@differs("seen.resumed", [True, 2, 2], "wandb resumes online only; this is what it does there")
@differs("seen.config", {"a": 1, "b": 3, "c": 4}, "the same: new values win, old keys come back")
@differs("seen.kept", ["first", "some", ["t"]], "the same: kept unless given")
@differs("seen.summary", 1, "the same: the summary is restored")
@differs("runs[0].history[2]._step", 2, "the same: it goes on")
@differs("runs[0].summary._step", 2, "the same")
@differs("runs[0].name", "first", "the same")
@differs("runs[0].notes", "some", "the same")
@differs("runs[0].tags[0]", "t", "the same")
def resumed(see: See) -> None:
    with wandb.init(
        project="p",
        id="init-resume",
        name="first",
        notes="some",
        tags=["t"],
        config={"a": 1, "b": 2},
    ) as run:
        run.log({"x": 0})
        run.log({"x": 1, "y": 1})
    run = wandb.init(
        project="p",
        id="init-resume",
        resume="allow",
        config={"b": 3, "c": 4},
    )
    see("resumed", [run.resumed, run.starting_step, run.step])
    see("config", dict(run.config))
    see("kept", [run.name, run.notes, list(run.tags)])
    see("summary", run.summary.get("y"))
    run.log({"x": 2})


@differs("seen.must", [["Error", "UsageError"], {}], "wandb offline does not look (7.6)")
@differs("seen.never", [["Error", "UsageError"], {}], "the same")
@differs("seen.run", True, "the same")
@differs("runs[1]", GONE, "the same: no run is begun")
@differs("runs[0].run_id", "init-there", "the same")
@differs("runs[0].history[0]", {"_step": 0, "a": 1}, "the same")
@differs("runs[0].summary.a", 1, "the same")
@differs("runs[0].summary._step", 0, "the same")
def resume_refused(see: See) -> None:
    with see.error("must"):
        wandb.init(project="p", id="init-absent", resume="must")
    see("run", wandb.run is None)
    wandb.finish()
    with wandb.init(project="p", id="init-there") as run:
        run.log({"a": 1})
    with see.error("never"):
        wandb.init(project="p", id="init-there", resume="never")
    wandb.finish()


def resume_unknown(see: See) -> None:
    for word in ("allow", "never"):
        run = wandb.init(project="p", id=f"init-new-{word}", resume=word)
        see(word, [run.resumed, run.starting_step, run.id])
        run.log({"a": 1})
        run.finish()


def resume_auto_file(see: See) -> None:
    place = Path("auto").absolute()
    with environment({"WANDB_DIR": str(place)}):
        place.mkdir()
        run = wandb.init(project="p", resume="auto", id="init-auto")
        file = place / "wandb" / "wandb-resume.json"
        see("file", file.exists() and file.read_text())
        run.finish(1)
        see("after failure", file.exists())
        run = wandb.init(project="p", resume=True)
        see("id", run.id)
        run.finish()
        see("after success", file.exists())


def with_block(see: See) -> None:
    with wandb.init(project="p") as run:
        see("inside", [wandb.run is run, run.step])
        run.log({"a": 1})
    see("after", wandb.run)
    with see.error("error"), wandb.init(project="q"):
        see("no", run.config["zz"])
    see("after error", wandb.run)


def setup_settings(see: See) -> None:
    wandb.teardown()
    wandb.setup(settings=wandb.Settings(project="set-up", run_group="g"))
    run = wandb.init()
    see("run", [run.project, run.group])
    run.finish()
    run = wandb.init(project="argument")
    see("argument", [run.project, run.group])
    run.finish()
    wandb.teardown()
    see("kind", hasattr(wandb.setup(), "settings"))


@alone
def project_name_and_script(see: See) -> None:
    run = wandb.init()
    see("project", run.project)
    see("program", [os.path.basename(run.settings.program or ""), bool(run.settings.host)])
    see("argv", len(sys.argv) > 1)
