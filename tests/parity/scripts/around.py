"""What is recorded around a run: files, console, alerts, code."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from tests.parity.play import See, differs
from tests.parity.scripts._wandb import wandb


def saved_files(see: See) -> None:
    Path("sub/deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt", "w[1].txt"):
        Path(name).write_text(name)
    run = wandb.init(project="p")

    def inside(paths: list[str]) -> list[str]:
        return sorted(os.path.relpath(path, run.dir) for path in paths)

    see("one", inside(wandb.save("a.txt")))
    # Real wandb's requirements.txt is there from the start.
    see("glob", [name for name in inside(run.save("*.txt")) if name != "requirements.txt"])
    see("folder kept", inside(run.save("sub/c.txt")))
    see("base", inside(run.save("sub/deep/d.txt", base_path="sub")))
    see("absolute", inside(run.save(os.path.abspath("sub/deep/d.txt"))))
    see("bytes and path", inside(run.save(b"b.txt") + run.save(Path("b.txt"))))
    see("no glob", inside(run.save("w[1].txt", glob=False)))
    see("glob of a bracket", run.save("w[1].txt"))
    see("nothing", [run.save("absent*"), run.save("s3://bucket/x"), run.save("gs://bucket/x")])
    see("policies", [len(run.save("a.txt", policy=word)) for word in ("now", "live", "end")])
    see("link", [os.path.islink(os.path.join(run.dir, "a.txt"))])
    Path("a.txt").write_text("changed")
    see("seen through", Path(run.dir, "a.txt").read_text())


def save_refused(see: See) -> None:
    Path("sub").mkdir()
    Path("a.txt").write_text("a")
    run = wandb.init(project="p")
    with see.error("policy"):
        run.save("a.txt", policy="sometimes")
    with see.error("number"):
        run.save(3)
    with see.error("above"):
        run.save("../a.txt", base_path=".")
    with see.error("not below"):
        run.save(os.path.abspath("a.txt"), base_path=os.path.abspath("sub"))


def files_in_the_folder(see: See) -> None:
    run = wandb.init(project="p")
    Path(run.dir, "mine").mkdir()
    Path(run.dir, "mine", "model.txt").write_text("weights")
    see("save", [os.path.relpath(p, run.dir) for p in run.save(f"{run.dir}/mine/model.txt")])
    run.finish()
    see("there", Path(run.dir, "mine", "model.txt").read_text())


@differs("seen.there", ["x", "there.txt"], "wandb's asks for an API key, whatever is there")
@differs("seen.absent", [["ValueError"], {}], "the same")
def restore(see: See) -> None:
    run = wandb.init(project="p")
    Path(run.dir, "there.txt").write_text("x")
    try:
        with run.restore("there.txt") as found:
            see("there", [found.read(), os.path.relpath(found.name, run.dir)])
    except wandb.UsageError:
        see("there", "UsageError")
    with see.error("absent"):
        run.restore("absent.txt")
    run.finish()
    with see.error("no run"):
        wandb.restore("x.txt")


def alerts(see: See) -> None:
    run = wandb.init(project="p")
    wandb.alert("t", "text")
    run.alert(title="t", text="x", level="WARN", wait_duration=5)
    run.alert("t", "x", wandb.AlertLevel.ERROR, 0)
    with see.error("level"):
        run.alert("t", "x", level="warn")
    with see.error("wait"):
        run.alert("t", "x", wait_duration="long")
    with see.error("no text"):
        run.alert("t")


def console_in_a_file(see: See) -> None:
    run = wandb.init(project="p")
    print("a line")
    print("another", file=sys.stderr)
    for i in range(5):
        print(f"\rprogress {i}", end="")
    print()
    run.write_logs("written")
    run.finish()
    print("after")
    text = Path(run.dir, "output.log").read_text().splitlines()
    wanted = ("a line", "another", "progress", "written", "after")
    see("lines", [line for line in text if line.startswith(wanted)])


def console_off(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(console="off"))
    print("not kept")
    run.finish()
    see("file", Path(run.dir, "output.log").exists())


def console_of_two_runs(see: See) -> None:
    found = []
    for name in ("first", "second"):
        run = wandb.init(project="p")
        print(f"in {name}")
        run.finish()
        lines = Path(run.dir, "output.log").read_text().splitlines()
        found.append([line for line in lines if line.startswith("in ")])
    see("lines", found)


def captured_logger(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(capture_loggers={"mine": "WARNING"}))
    logging.getLogger("mine").warning("careful")
    logging.getLogger("mine").info("quiet")
    logging.getLogger("other").warning("elsewhere")
    run.finish()
    lines = Path(run.dir, "output.log").read_text().splitlines()
    see("lines", [line for line in lines if "careful" in line and ":" in line])
    see("quiet", any("quiet" in line for line in lines))
    see("handlers", logging.getLogger("mine").handlers)


@differs(
    "seen.files",
    ["config.yaml", "requirements.txt", "wandb-metadata.json", "wandb-summary.json"],
    "wandb writes most of them online only",
)
def folder(see: See) -> None:
    run = wandb.init(project="p", id="around-folder", config={"a": 1})
    see("link", Path(run.sync_dir).with_name("latest-run").resolve() == Path(run.sync_dir))
    see("marker", Path(run.sync_dir, "run-around-folder.wandb").exists())
    run.log({"x": 1})
    run.finish()
    names = ("config.yaml", "requirements.txt", "wandb-metadata.json", "wandb-summary.json")
    see("files", [name for name in names if Path(run.dir, name).exists()])
    lines = Path(run.dir, "requirements.txt").read_text().splitlines()
    see("requirements", [any(line.startswith("numpy==") for line in lines)])


@differs("seen.kind", "class Artifact", "wandb returns an internal subclass")
def code(see: See) -> None:
    Path("src").mkdir()
    Path("src/a.py").write_text("a = 1\n")
    Path("src/data.bin").write_text("x")
    run = wandb.init(project="p")
    see("kind", type(run.log_code("src")))
    see("nothing", run.log_code("src", include_fn=lambda path: False))
    see("two arguments", run.log_code("src", include_fn=lambda path, root: False))


@differs("seen.number", [["TypeError"], {}], "wandb's asks for torch first, which is not here")
@differs("seen.list", [["TypeError"], {}], "the same")
def watch_refused(see: See) -> None:
    run = wandb.init(project="p")
    with see.error("number"):
        run.watch(3)
    with see.error("word"):
        run.watch(3, log="everything")
    with see.error("list"):
        run.watch([object()])
    run.log({"a": 1})


def preempting(see: See) -> None:
    run = wandb.init(project="p")
    see("returned", run.mark_preempting())
    run.log({"a": 1})
    run.finish(1)


def pinned(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1})
    with see.error("list"):
        run.pin_config_keys(["a"])
    run.finish()
    with see.error("after"):
        run.pin_config_keys(["a"])
