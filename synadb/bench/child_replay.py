"""Logs one run again, by whatever `wandb` is installed: started by path, in a process of its own.

    python child_replay.py PLAN

PLAN is JSON: `init` (arguments of wandb.init), `start` (of the run), `metrics` (arguments of
define_metric), `rows` (a file of JSON lines), `summary`, `files` ([name in the run, path]),
`artifacts` (name, type, description, metadata, aliases, entries as [path, file or None, reference
or None]) and `result`, where to write what came of it: the run's folder, artifacts with their
digests, and what wandb would not take.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(path: str) -> None:
    """Log the run and write the result."""
    import wandb

    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    settings = wandb.Settings(
        console="off",
        x_disable_stats=True,
        x_disable_meta=True,
        disable_git=True,
        disable_code=True,
        silent=True,
        x_start_time=plan["start"],
    )
    problems: list[str] = []
    run = wandb.init(**plan["init"], settings=settings)
    for definition in plan["metrics"]:
        run.define_metric(**definition)
    with open(plan["rows"], encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            # Committed, so that the last row comes before the summary.
            run.log(row, step=row.pop("_step"), commit=True)
    for key, value in plan["summary"].items():
        # A NaN comes from the history. Set here, wandb 0.31 would take the key away.
        if not (isinstance(value, float) and math.isnan(value)):
            run.summary[key] = value
    for name, source in plan["files"]:
        target = os.path.join(run.dir, *name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        run.save(target, base_path=run.dir, policy="now")
    logged = [_log_artifact(wandb, run, planned, problems) for planned in plan["artifacts"]]
    folder = os.path.dirname(run.dir)
    run.finish()
    with open(plan["result"], "w", encoding="utf-8") as file:
        json.dump({"folder": folder, "artifacts": logged, "problems": problems}, file)


def _log_artifact(wandb: Any, run: Any, planned: dict[str, Any], problems: list[str]) -> str | None:
    """The digest of what was logged; None where wandb would not have it."""
    try:
        artifact = wandb.Artifact(
            planned["name"],
            planned["type"],
            description=planned["description"],
            metadata=planned["metadata"],
        )
        for name, source, reference in planned["entries"]:
            if reference is None:
                artifact.add_file(source, name=name, policy="mutable")
            else:
                artifact.add_reference(reference, name=name, checksum=False)
        run.log_artifact(artifact, aliases=planned["aliases"])
    except (ValueError, TypeError, OSError, wandb.Error) as error:
        problems.append(f"artifact {planned['name']}: {error}")
        return None
    digest: str = artifact.digest
    return digest


if __name__ == "__main__":
    main(sys.argv[1])
