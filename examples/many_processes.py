"""Several processes write one file at once: a run each, and then all of them into one run.

There is no server to write through: every process has the database open. For a run in common the
run itself is handed to the processes; rows come in the order in which they arrive.

synadb run examples/many_processes.py
synadb runs            # four runs of 500 rows, and one of 2,000
synadb check           # the file is whole
"""

import math
import multiprocessing
import time

import wandb

WORKERS, ROWS = 4, 500


def own_run(seed):
    """Train with a run of this process's own, in a group with the others."""
    config = {"seed": seed, "lr": 0.01 * (seed + 1)}
    with wandb.init(project="examples", group="seeds", name=f"seed-{seed}", config=config) as run:
        for step in range(ROWS):
            run.log({"loss": math.exp(-run.config.lr * step)})


def common_run(run, worker):
    """Log to the run of the parent process, which ends it."""
    for row in range(ROWS):
        run.log({f"worker-{worker}": row})


def in_parallel(target, arguments):
    """Call `target` in a process for each of `arguments`; return the seconds all of it took."""
    context = multiprocessing.get_context("spawn")
    started = time.perf_counter()
    processes = [context.Process(target=target, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return time.perf_counter() - started


def main():
    seconds = in_parallel(own_run, [(seed,) for seed in range(WORKERS)])
    print(f"{WORKERS} processes, a run each: {WORKERS * ROWS:,} rows in {seconds:.2f} s")
    with wandb.init(project="examples", name="in-common") as run:
        seconds = in_parallel(common_run, [(run, worker) for worker in range(WORKERS)])
        print(f"{WORKERS} processes, one run: {WORKERS * ROWS:,} rows in {seconds:.2f} s")


if __name__ == "__main__":
    main()
