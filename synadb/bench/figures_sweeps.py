"""How good and how quick the searches of a sweep are.

`python -m synadb.bench.figures_sweeps` prints two tables: the best value found after 50 trials on
six functions, beside W&B's own engine, and how long a suggestion takes. W&B's side comes from
`wandb_engine.json`, unless `SYNADB_SWEEPS_ORACLE` names the Python of an environment that has the
package `sweeps` (see child_sweeps.py): then it is measured anew, and `--record` keeps it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from synadb.bench.surfaces import SURFACES

__all__ = ["main", "regret", "search", "section", "table"]

TRIALS = 50
SEEDS = 20
FLYING = (1, 8)
RECORD = Path(__file__).with_name("wandb_engine.json")

Asked = Callable[[dict[str, Any], list[dict[str, Any]]], Any]


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description="quality and speed of sweep searches")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--record", action="store_true", help="keep what W&B's engine found")
    arguments = parser.parse_args()
    print(table(arguments.seeds, arguments.workers, record=arguments.record))
    return 0


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """The part of docs/benchmarks.md: quality, and what sharing a sweep costs."""
    from synadb.bench.figures_agents import claim_figures, sharing_figures

    del sides, repeats  # W&B's engine is recorded; each figure is a median already
    lines = ["## Sweeps", "", *table().splitlines(), "", "| agents | |", "|---|---|"]
    for name, value in claim_figures(folder).items():
        lines.append(f"| {name} | {value * 1e3:.2f} ms |")
    for name, value in sharing_figures(folder).items():
        lines.append(f"| {name} | {value:.2f} |")
    return lines


def table(seeds: int = SEEDS, workers: int = 2, *, record: bool = False) -> str:
    """Both tables, as Markdown."""
    theirs = _theirs(seeds, record=record)
    jobs = [(n, flying, seed) for n in SURFACES for flying in FLYING for seed in range(seeds)]
    # A thread for each worker; more would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers) as pool:
        ours = dict(zip(jobs, pool.map(regret, jobs, chunksize=4), strict=True))
    lines = [
        f"Simple regret after {TRIALS} trials, median of {seeds} seeds; 1 is as good as W&B.",
        "",
        "| function | in flight | W&B's engine | SynaDB | SynaDB / W&B |",
        "|---|---|---|---|---|",
    ]
    for name in SURFACES:
        for flying in FLYING:
            mine = statistics.median(ours[name, flying, seed] for seed in range(seeds))
            other = statistics.median(theirs[f"{name}/{flying}"][:seeds])
            lines.append(f"| {name} | {flying} | {other:.3g} | {mine:.3g} | {mine / other:.3g} |")
    lines += ["", "| a suggestion | median | slowest of 20 |", "|---|---|---|"]
    for what, times in _times():
        lines.append(f"| {what} | {statistics.median(times):.2f} ms | {max(times):.2f} ms |")
    return "\n".join(lines)


def search(suggest: Asked, name: str, seed: int, flying: int) -> float:
    """Run 50 trials, so many at a time; how far the one that looked best is from the least value.

    `suggest` gets the config and the trials as plain dicts, and returns the next params.
    """
    surface = SURFACES[name]
    trials: list[dict[str, Any]] = []
    seen: list[float] = []
    for number in range(TRIALS):
        done = number - flying
        if done >= 0:
            trials[done] |= {"state": "finished", "summary": {"loss": seen[done]}}
        params = suggest(surface.config, trials)
        trials.append({"params": params, "state": "running"})
        seen.append(surface.observed(params, seed, number))
    best = trials[seen.index(min(seen))]["params"]
    return surface.function(best) - surface.least


def regret(job: tuple[str, int, int]) -> float:
    """What `search` finds for a surface, a number in flight and a seed."""
    from synadb.sweeps.config import parse
    from synadb.sweeps.suggest import suggest
    from synadb.sweeps.trial import Trial, extent_of

    name, flying, seed = job
    config, rng = parse(SURFACES[name].config), random.Random(seed)

    def asked(_: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        known = [
            Trial(t["params"], t["state"], extent_of([], t.get("summary", {}).get("loss")))
            for t in trials
        ]
        found = suggest(config, rng, known)
        assert found is not None
        return found.params

    return search(asked, name, seed, flying)


# --- W&B's engine ---------------------------------------------------------------------------------


def _theirs(seeds: int, *, record: bool) -> dict[str, list[float]]:
    oracle = os.environ.get("SYNADB_SWEEPS_ORACLE")
    if not oracle:
        kept: dict[str, list[float]] = json.loads(RECORD.read_text(encoding="utf-8"))["regret"]
        return kept
    found = _asked_of_oracle(oracle, seeds)
    if record:
        content = {
            "engine": "sweeps 0.3.0",
            "command": "SYNADB_SWEEPS_ORACLE=.../python "
            "python -m synadb.bench.figures_sweeps --record",
            "regret": found,
        }
        RECORD.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return found


def _asked_of_oracle(oracle: str, seeds: int) -> dict[str, list[float]]:
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [oracle, "-m", "synadb.bench.child_sweeps"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    found: dict[str, list[float]] = {}
    for name in SURFACES:
        for flying in FLYING:
            for seed in range(seeds):
                question = {"ask": "quality", "surface": name, "flying": flying, "seed": seed}
                print(json.dumps(question), file=child.stdin, flush=True)
                answer = json.loads(child.stdout.readline())
                if "error" in answer:
                    raise SystemExit(f"W&B's engine: {answer['error']}")
                found.setdefault(f"{name}/{flying}", []).append(answer["answer"])
    child.stdin.close()
    child.wait()
    return found


# --- time -----------------------------------------------------------------------------------------


def _times() -> Iterator[tuple[str, list[float]]]:
    """What a suggestion takes, in milliseconds, each asked 20 times."""
    from synadb.sweeps.config import parse
    from synadb.sweeps.suggest import suggest
    from synadb.sweeps.trial import Trial, extent_of

    rng = random.Random(0)

    def timed(ask: Callable[[], object]) -> list[float]:
        ask()  # the first imports numpy
        found = []
        for _ in range(20):
            start = time.perf_counter()
            ask()
            found.append((time.perf_counter() - start) * 1e3)
        return found

    axis = {"min": 0, "max": 999}
    grid = parse({"method": "grid", "parameters": {"a": axis, "b": axis, "c": {"values": [1, 2]}}})
    taken = list(range(10_000))
    yield "grid, 10,000 past trials", timed(lambda: suggest(grid, rng, taken=taken))
    drawn = parse({**SURFACES["svm_mixed"].config, "method": "random"})
    yield "random, 10,000 past trials", timed(lambda: suggest(drawn, rng))
    for name in ("hartmann6", "svm_mixed"):
        surface = SURFACES[name]
        config = parse(surface.config)
        for count in (50, 200, 1000):
            points = [config.space.build(config.space.draw(rng)) for _ in range(count + 8)]
            trials = [
                Trial(point, "finished", extent_of([surface.function(point)]))
                for point in points[:count]
            ]
            trials += [Trial(point, "running") for point in points[count:]]
            label = f"bayes, {name}, {count:,} past trials and 8 in flight"
            yield label, timed(lambda c=config, t=trials: suggest(c, rng, t))  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main())
