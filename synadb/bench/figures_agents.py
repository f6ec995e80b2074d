"""Figures of sweeps in many processes: what a claim costs, and how well eight agents share a grid.

Real wandb has nothing to put beside them: its agents ask a server.
`python -m synadb.bench.figures_agents` prints them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["claim_figures", "sharing_figures"]

PAST = 10_000
CLAIMS = 100
AGENTS, POINTS, SECONDS = 8, 200, 0.5

AGENT = f"""
import sys, time
import synadb.wandb_compat as wandb
def train():
    with wandb.init() as run:
        run.log({{"loss": 1.0}})
        time.sleep({SECONDS})
wandb.agent(sys.argv[1], train)
"""


def claim_figures(folder: Path) -> dict[str, float]:
    """Seconds of a claim, suggestion included, with 10,000 past trials."""
    from synadb.tracker import ExperimentTracker

    found = {}
    with ExperimentTracker(folder / "claims.db") as tracker:
        for method in ("grid", "random"):
            parameters = {"a": {"values": list(range(200))}, "b": {"values": list(range(100))}}
            config: dict[str, Any] = {
                "method": method,
                "metric": {"name": "loss"},
                "parameters": parameters,
            }
            sweep_id = tracker.create_sweep(config, "bench")
            with tracker._store.sweeps(write=True) as tables:
                for number in range(PAST):
                    tables.add_trial(
                        sweep_id,
                        f"{method}-{number}",
                        {"a": number // 100, "b": number % 100},
                        "finished",
                        point=str(number) if method == "grid" else None,
                        agent="past",
                        now=0.0,
                        properties={"metric": [[1.0, 1.0, 1.0, 1.0]]},
                    )
                tables.update_sweep(sweep_id, cursor=PAST, claimed=PAST)
            controller = tracker.sweep(sweep_id).controller
            times = []
            for _ in range(CLAIMS):
                began = time.perf_counter()
                trial = controller.claim("agent")
                times.append(time.perf_counter() - began)
                assert not isinstance(trial, str)
                controller.end("agent", trial.number, "finished")
            found[f"claim of a {method} trial, {PAST:,} past ones"] = statistics.median(times)
    return found


def sharing_figures(folder: Path) -> dict[str, float]:
    """How much longer than ideal eight agents take for 200 trials of half a second."""
    from synadb.tracker import ExperimentTracker

    with ExperimentTracker(folder / "experiments.db") as tracker:
        config = {"method": "grid", "parameters": {"a": {"values": list(range(POINTS))}}}
        sweep_id = tracker.create_sweep(config, "bench")
        script = folder / "agent.py"
        script.write_text(AGENT, encoding="utf-8")
        environ = {**os.environ, "WANDB_SILENT": "true", "SYNADB_PATH": tracker.path}
        began = time.perf_counter()
        agents = [
            subprocess.Popen([sys.executable, str(script), sweep_id], cwd=folder, env=environ)
            for _ in range(AGENTS)
        ]
        codes = [agent.wait() for agent in agents]
        took = time.perf_counter() - began
        trials = tracker.sweep(sweep_id).trials
    assert not any(codes)
    assert sorted(trial.params["a"] for trial in trials) == list(range(POINTS))
    return {"8 agents on 200 trials of 0.5 s, times ideal": took / (POINTS * SECONDS / AGENTS)}
