"""A training that is killed with SIGKILL and goes on: no row is lost, and none is there twice.

The first command kills itself right after a call of `log` has returned; SIGKILL leaves a process no
time for anything. The next start goes on where that was: `resume="auto"` remembers the run's id
until the run has ended well. Instead of the first command, try your own `kill -9`.

Note the order: a row is logged before its checkpoint is written. A kill between the two has that
step logged again, with a warning and no harm; the other way round it would never be logged.

synadb run examples/resume_after_kill.py --kill-at 150    # Killed, exit code 137
synadb runs                                               # crashed, with 151 rows
synadb run examples/resume_after_kill.py
"""

import argparse
import json
import os
import signal
from pathlib import Path

import wandb

STEPS = 400
CHECKPOINT = Path("checkpoint.json")


def load():
    return json.loads(CHECKPOINT.read_text()) if CHECKPOINT.exists() else {"step": 0, "x": 10.0}


def save(state):
    part = CHECKPOINT.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(CHECKPOINT)  # the old one or the new one, never a half


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill-at", type=int, metavar="STEP")
    args = parser.parse_args()
    state = load()
    with wandb.init(project="examples", name="survivor", resume="auto") as run:
        if run.resumed:
            print(f"The run goes on at step {run.step}; the checkpoint is of step {state['step']}.")
        while state["step"] < STEPS:
            step, x = state["step"], state["x"]
            run.log({"x": x, "loss": x * x}, step=step)
            if step == args.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            state = {"step": step + 1, "x": x - 0.01 * 2 * x}
            save(state)
    CHECKPOINT.unlink()

    rows = wandb.Api().run(run.path).scan_history(keys=["_step", "loss"])
    steps = [row["_step"] for row in rows]
    whole = "each step once" if steps == list(range(STEPS)) else "NOT what was logged"
    print(f"{len(steps)} rows, {whole}.")


if __name__ == "__main__":
    main()
