"""define_metric: MetricRules gives the rows and the summary that real wandb gives.

Every script runs as a run of its own, all runs of the real one in one process.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from synadb.wandb_compat._metric_rules import MetricRules, joined
from synadb.wandb_compat._values import history_value, merge_leaves
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunScript

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)

# D defines, L logs, W writes the summary at a path, X deletes a key of it.
SCRIPTS = {
    "ops": "D('a', summary='min,max,mean,last,first'); L(a=3); L(a=1); L(a=2.5)",
    "one op": "D('a', summary='min'); L(a=3, b=1); L(a=4, b=2)",
    "case of words": "D('a', summary='MIN,Max'); L(a=3)",
    "copy": "D('a', summary='copy'); L(a=3); L(a=1)",
    "copy beside an op": "D('a', summary='min,copy'); L(a=3); L(a=5)",
    "none": "D('a', summary='none'); L(a=3, b=1)",
    "none wins": "D('a', summary='min,none'); L(a=3, b=1)",
    "op after none": "D('a', summary='none'); L(a=3); D('a', summary='min'); L(a=4)",
    "none after op": "D('a', summary='min'); L(a=3); D('a', summary='none'); L(a=4)",
    "ops of before none": "[D('a', summary=w) for w in ('min', 'none', 'max')]; L(a=3)",
    "none is kept by others": "D('a', summary='none'); D('a', hidden=True); L(a=3)",
    "copy after none": "D('a', summary='none'); D('a', summary='copy'); L(a=3)",
    "afterwards": "L(a=3); L(a=1); L(a=2); D('a', summary='min,max,mean,first,last')",
    "afterwards, then more": "L(a=3); L(a=1); D('a', summary='min,mean'); L(a=-1)",
    "defined without data": "L(b=1); D('a', summary='min')",
    "merged": "D('a', summary='min'); D('a', summary='max'); L(a=3); L(a=1)",
    "overwritten": "D('a', summary='min'); L(a=3); D('a', summary='max', overwrite=True); L(a=1)",
    "overwritten by nothing": "D('a', summary='min'); L(a=3); L(a=4); D('a', overwrite=True)",
    "strings": "D('a', summary='first,last'); L(a='x'); L(a=2); L(a='y')",
    "strings between": "D('a', summary='min,mean'); L(a=2); L(a='y'); L(a=4)",
    "bools": "D('a', summary='min,last,first'); L(a=True); L(a=2); L(a=False)",
    "lists": "D('a', summary='min,last'); L(a=3); L(a=[4, 5])",
    "None": "D('a', summary='min,first,last'); L(a=None); L(a=2); L(a=None)",
    "None before": "L(a=None); L(a=2); D('a', summary='first,last')",
    "NaN": "D('a', summary='min,max,mean,first,last'); L(a=1); L(a=nan); L(a=2)",
    "infinities": "D('a', summary='min,max,mean'); L(a=inf); L(a=-inf); L(a=1)",
    "step": "D('a', step_metric='e'); L(a=1); L(e=2); L(a=1); L(a=1, e=3.5); L(a=2)",
    "step object": "D('a', step_metric=D('e')); L(e=1); L(a=1)",
    "step values": "D('a', step_metric='e'); L(e=3); L(e='x'); L(a=1); L(e=True); L(a=1); L(e=nan)",
    "step and odd values": "D('a', step_metric='e'); [L(a=v) for v in (None, 'x', [1], True)]",
    "step given": "D('a', step_metric='e'); L(e=3); L(a=1, e=None); L(a=1, e='x'); L(a=1)",
    "step not synced": "D('a', step_metric='e', step_sync=False); L(e=3); L(a=1)",
    "synced after all": (
        "D('a', step_metric='e', step_sync=False); D('a', step_sync=True); L(e=1); L(a=1)"
    ),
    "sync is not taken back": ("D('a', step_metric='e'); D('a', step_sync=False); L(e=1); L(a=1)"),
    "sync overwritten": "D('a', step_metric='e'); D('a', overwrite=True); L(e=1); L(a=1)",
    "step replaced": "D('a', step_metric='e'); D('a', step_metric='g'); L(e=1, g=2); L(a=1)",
    "former step metric": (
        "D('b', step_metric='e'); L(e=5, g=6); D('b', step_metric='g'); L(b=1); "
        "L(e=8, g=9); L(b=1); D('b', step_metric='e'); L(b=1)"
    ),
    "step from before": "L(e=5); D('a', step_metric='e'); L(a=1)",
    "step with ops": "D('a', step_metric='e'); D('e', summary='mean,last'); L(e=4); L(a=1); L(e=9)",
    "two steps": "D('a', step_metric='e'); D('b', step_metric='g'); L(e=1, g=2); L(a=1, b=2)",
    "automatic step": "D('a', step_metric='_step'); L(a=1); L(a=2)",
    "internal step": "D('a', step_metric='_x'); L(_x=5); L(a=1)",
    "nested step": "D('a', step_metric='t.e'); L(a=1); L(t={'e': 3}); L(a=1); L(a=2, t={'f': 5})",
    "step for all": "D('e'); D('*', step_metric='e'); L(a=1, b={'c': 2}); L(e=1); L({'d.f': 1})",
    "all but one": "D('*', step_metric='e'); D('a', summary='max'); L(a=1, b=2); L(a=1)",
    "internal keys": "D('*', summary='max'); L(_x=1); L(_y={'a': 1}); L(d={'_z': 1})",
    "internal keys and steps": "D('*', step_metric='e'); L(_x=1); L(_y={'a': 1}); L(d={'_z': 1})",
    "glob": "D('val/*', summary='max'); L({'val/a': 1, 'val/b/c': 2, 'val': 3})",
    "glob of a dict": "D('d.*', summary='max'); L({'d': {'x': 1, 'y': {'z': 2}}, 'd.f': 3})",
    "glob and dots": "D('d*', summary='max'); L({'d': {'q': 3}, 'd.f': 3, 'dd': 4})",
    "glob afterwards": "L(loss=3); D('l*', summary='min'); L(b=1); L(loss=5)",
    "glob in the middle": "L(a=1); L(a=2); L(a=4); D('*', summary='mean,max'); L(a=8); L(a=16)",
    "glob before": "D('l*', summary='min'); D('loss', summary='max'); L(loss=3)",
    "glob bound": "D('l*', summary='min'); L(loss=5); D('l*', summary='max'); L(loss=6, l2=7)",
    "bound, then named": "D('l*', step_metric='e'); L(loss=5); D('loss', summary='max'); L(loss=6)",
    "bound, overwritten": "D('l*', summary='min'); L(loss=5); D('loss', overwrite=True)",
    "glob overwritten": (
        "D('l*', summary='min'); D('l*', summary='max', overwrite=True); L(loss=5)"
    ),
    "another glob": "D('x*', summary='min'); L(loss=5); D('l*', summary='min'); L(loss=6)",
    "nested leaf": "D('d.x', summary='max'); L(d={'x': 1, 'y': 2}); L(d={'x': 0}); L({'d.x': 1})",
    "flat key": "D('d\\\\.x', summary='max'); L(d={'x': 1}); L({'d.x': 2})",
    "flat key, step": "D('d.x', step_metric='e'); L({'d.x': 1}); L(d={'y': 1})",
    "manual": "D('a', summary='min'); L(a=2); W(9, 'a'); L(b=1)",
    "manual, then logged": "D('a', summary='min'); L(a=2); W(9, 'a'); L(a=3)",
    "manual, then defined": "D('a', summary='min'); L(a=2); W(9, 'a'); D('a', hidden=True); L(a=3)",
    "manual, then more": "D('a', summary='min'); L(a=2); W(9, 'a'); L(a=1); D('a', summary='max')",
    "manual first": "L(a=5); W(9, 'a'); D('a', summary='min')",
    "manual before data": "D('a', summary='min'); W(9, 'a'); L(a=1)",
    "manual before a glob binds": "D('*', summary='min'); W(1, 'a'); L(a=7); L(a=6)",
    "manual after a glob bound": "D('*', summary='min'); L(a=7); W(1, 'a'); L(a=8)",
    "manual leaf": "D('d.x', summary='min'); L(d={'x': 5, 'y': 6}); W(3, 'd', 'x'); L(d={'x': 7})",
    "manual beside": "D('d.x', summary='min'); L(d={'x': 5, 'y': 6}); W(3, 'd', 'y'); L(b=7)",
    "manual op": "D('a', summary='min'); L(a=5); W(1, 'a', 'min'); L(a=7)",
    "deleted": "D('a', summary='min'); L(a=5, b=1); X('a'); L(a=7)",
}

REAL = """
import json, sys
import wandb
from synadb.formats.wandb_log import read_wandb_log

AUTO = ("_step", "_runtime", "_timestamp", "_wandb")
logs, results = {}, {}
for name, script in json.load(open(sys.argv[1])).items():
    settings = wandb.Settings(
        x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True, console="off"
    )
    run = wandb.init(project="p", reinit="finish_previous", settings=settings)
    def log(row=None, **values):
        run.log({**(row or {}), **values})
    def write(value, *path):
        node = run.summary
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
    def delete(key):
        del run.summary[key]
    exec(script, {
        "D": run.define_metric, "L": log, "W": write, "X": delete,
        "nan": float("nan"), "inf": float("inf"),
    })
    summary = {k: v for k, v in run.summary._as_dict().items() if k not in AUTO}
    logs[name] = run.settings.sync_file
    results[name] = {"summary": summary}
    run.finish()
wandb.teardown()
for name, path in logs.items():
    log = read_wandb_log(path)
    assert not log.problems, (name, log.problems)
    results[name]["rows"] = [
        {k: v for k, v in row.items() if k not in AUTO} for row in log.history
    ]
json.dump(results, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What real wandb recorded of every script."""
    folder: Path = tmp_path_factory.mktemp("real")
    (folder / "scripts.json").write_text(json.dumps(SCRIPTS), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "SYNADB_"))}
    environment |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(
        [sys.executable, "-c", REAL, "scripts.json", "results.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return results


def ours(script: str) -> dict[str, Any]:
    """The same script, driven as a run drives the rules."""
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    rules = MetricRules(past=lambda: iter(rows))

    def define(*args: Any, **kwargs: Any) -> Any:
        metric = rules.define(*args, **kwargs)
        rules.refresh(summary)
        return metric

    def log(row: dict[str, Any] | None = None, **values: Any) -> None:
        full = history_value({**(row or {}), **values})
        if rules.active:
            full = joined(full, rules.apply(full, summary))
        else:
            merge_leaves(summary, full)
        rows.append(full)

    def write(value: Any, *path: str) -> None:
        rules.manual(path)
        node = summary
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    def delete(key: str) -> None:
        rules.manual((key,), deleted=True)
        summary.pop(key, None)

    known = {"D": define, "L": log, "W": write, "X": delete, "nan": math.nan, "inf": math.inf}
    exec(script, known)
    return {"summary": summary, "rows": rows}


def normal(value: Any) -> Any:
    """1.0 as 1, like wandb writes it, and NaN as something that equals itself."""
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else int(value) if value.is_integer() else value
    return value


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_real_wandb(name: str, real: dict[str, Any]) -> None:
    assert normal(ours(SCRIPTS[name])) == normal(real[name])


WRONG = [
    "D('')",
    "D(None)",
    "D(3)",
    "D('a', step_metric=3)",
    "D('a', step_sync=1)",
    "D('a', hidden='x')",
    "D('a', overwrite=1)",
    "D('a', summary='min, max')",
    "D('a', summary='min,')",
    "D('a', summary=['min'])",
    "D('a*b')",
    "D('**')",
    "D('*a')",
]


def test_refuses_what_real_wandb_refuses(run_script: RunScript, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(json.dumps(WRONG), encoding="utf-8")
    done = run_script(
        "import json, wandb\n"
        "run = wandb.init(project='p')\n"
        "for call in json.load(open('wrong.json')):\n"
        "    try:\n"
        "        exec(call, {'D': run.define_metric})\n"
        "    except wandb.Error as error:\n"
        "        print(call)\n",
        env={"WANDB_MODE": "offline", "WANDB_SILENT": "true"},
    )
    assert done.stdout.splitlines() == WRONG
    for call in WRONG:
        with pytest.raises(Error):
            exec(call, {"D": MetricRules().define})
