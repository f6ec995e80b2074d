"""How a run ends, and what the terminal shows of it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from typing import Any

from tests.parity.play import See, alone, any_step, differs
from tests.parity.scripts._wandb import wandb


def _started(**arguments: Any) -> Any:
    run = wandb.init(project="p", **arguments)
    run.log({"a": 1})
    run.log({"a": 2}, commit=False)
    return run


@alone
def forgotten(see: See) -> None:
    _started()
    print("the end")


@alone
def explicit(see: See) -> None:
    _started().finish()
    print("the end")


@alone
def with_a_code(see: See) -> None:
    _started().finish(5)
    wandb.finish(0)


@alone
def exit_none(see: See) -> None:
    _started()
    sys.exit()


@alone
def exit_zero(see: See) -> None:
    _started()
    sys.exit(0)


@alone
def exit_seven(see: See) -> None:
    _started()
    sys.exit(7)


@alone
def exit_text(see: See) -> None:
    _started()
    sys.exit("gone wrong")


@alone
def exception(see: See) -> None:
    _started()
    raise ValueError("gone wrong")


@alone
def interrupt(see: See) -> None:
    _started()
    raise KeyboardInterrupt


@alone
def interrupt_by_signal(see: See) -> None:
    _started()
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(20)


@alone
def exception_in_with(see: See) -> None:
    with _started() as run:
        run.log({"b": 1})
        raise ValueError("gone wrong")


@alone
@differs("seen.traceback", False, "wandb's shows one for an exit, too")
def exit_in_with(see: See) -> None:
    with _started():
        sys.exit(0)


@alone
def exit_caught(see: See) -> None:
    _started()
    try:
        sys.exit(3)
    except SystemExit:
        print("caught")
    wandb.log({"b": 1})
    wandb.finish()


@alone
def exception_caught(see: See) -> None:
    _started()
    try:
        raise ValueError("x")
    except ValueError:
        wandb.log({"b": 1})


@alone
def finish_at_exit(see: See) -> None:
    run = _started()
    atexit.register(run.finish)


@alone
def log_at_exit(see: See) -> None:
    run = wandb.init(project="p")
    atexit.register(lambda: run.log({"late": 1}))
    run.log({"a": 1})


@alone
def two_at_the_end(see: See) -> None:
    wandb.init(project="p", id="first").log({"a": 1})
    wandb.init(project="q", id="second", reinit="create_new").log({"b": 1})
    sys.exit(4)


@alone
@differs(
    "runs",
    [["p", 143, [{"_step": 0, "a": 1}, {"_step": 1, "a": 2}]]],
    "wandb's loses what it has not written yet",
)
def terminated(see: See) -> None:
    _started()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(20)


@alone
def child_process(see: See) -> None:
    _started()
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    wandb.log({"b": 1})


@alone
def thread_dies(see: See) -> None:
    run = _started()

    def work() -> None:
        run.log({"in thread": 1})
        raise ValueError("in the thread")

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    run.log({"b": 1})


def _log_in_child(run: Any) -> None:
    run.log({"child": 1})
    run.log({"child": 2})


@alone
@any_step
def forked(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(quiet=True))
    run.log({"parent": 1})
    child = multiprocessing.get_context("fork").Process(target=_log_in_child, args=(run,))
    child.start()
    child.join()
    see("child", child.exitcode)
    run.finish()


@alone
def pickled_into_another_process(see: See) -> None:
    run = wandb.init(project="p", id="pickled")
    data = pickle.dumps(run)
    code = (
        "import sys, pickle, wandb\n"
        "run = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "print(run.id, run.project)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, data.hex()], capture_output=True, text=True, check=False
    )
    see("child", [done.returncode, done.stdout])


@alone
def tables(see: See) -> None:
    run = wandb.init(project="p")
    for i in range(38):
        run.log({"loss": 1 / (i + 1), "acc": i, "nested": {"x": i}, "flag": True, "text": "x" * 30})
    run.summary["best"] = 0.123456789
    run.summary["list"] = [1, 2]
    run.summary["whole"] = 3.0
    run.finish()


@alone
def long_tables(see: See) -> None:
    run = wandb.init(project="p")
    for i in range(5):
        run.log({f"metric/{number:02}": i * number for number in range(15)})
    run.finish()


@alone
def tables_of_odd_numbers(see: See) -> None:
    run = wandb.init(project="p")
    for i in range(10):
        run.log({"constant": 5, "tiny": i * 1e-9, "huge": i * 1e15, "minus": -i, "one": 0.5})
    run.log({"once": 1})
    run.log({"nan": float("nan")})
    run.finish()


@alone
def no_tables_when_quiet(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(quiet=True))
    run.log({"a": 1})
    run.finish()


@alone
def no_tables_when_silent(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(silent=True))
    run.log({"a": 1})
    run.finish()


@alone
def no_tables_at_exit(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
