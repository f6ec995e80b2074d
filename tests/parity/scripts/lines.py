"""Scripts of a line or two, all of which begin alike."""

from __future__ import annotations

from typing import Any

BEGINNING = "wandb.init(project='p', config={'given': 1}, notes='n', group='g', job_type='j')\n"

LINES = {
    "rows": "wandb.log({'a': 1.5, 'b': 2}); wandb.log({'a': 2.5, 'b': 3})",
    "empty row": "wandb.log({}); wandb.log({'a': 1})",
    "commit": "wandb.log({'a': 1}, commit=False); wandb.log({'b': 2}); wandb.log({'c': 3})",
    "step stays open": "wandb.log({'a': 1}, step=5); wandb.log({'b': 2}); wandb.log({'c': 3})",
    "same step merges": "wandb.log({'a': 1}, step=3); wandb.log({'a': 2, 'b': 1}, step=3)",
    "step and commit": "wandb.log({'a': 1}, step=3, commit=True); wandb.log({'b': 2})",
    "gaps": "[wandb.log({'a': i}, step=i * i) for i in range(6)]",
    "late step": "wandb.log({'a': 1}, step=5); wandb.log({'a': 9, 'z': 1}, step=2)",
    "late after commit": "wandb.log({'a': 1}, step=5, commit=True); wandb.log({'z': 1}, step=5)",
    "types": "wandb.log({'i': 1, 'f': 0.1, 'b': True, 's': 'x', 'n': None, 'l': [1, 'a', None]})",
    "not finite": "wandb.log({'n': float('nan'), 'p': float('inf'), 'm': [float('-inf')]})",
    "nested": "wandb.log({'n': {'a': 1, 'b': {'c': 2}}}); wandb.log({'n': {'a': 3}})",
    "leaves": "wandb.log({'n': {'a': 1, 'b': 2}}, step=1); wandb.log({'n': {'b': 3}}, step=1)",
    "dict replaces scalar": "wandb.log({'n': 1}); wandb.log({'n': {'a': 2}})",
    "scalar replaces dict": "wandb.log({'n': {'a': 2}}); wandb.log({'n': 1})",
    "keys": "wandb.log({'a/b': 1, 'c.d': 2, 'e f': 3, 'ü': 4, '': 5, '_x': 6, 'n\\nl': 7})",
    "own _step": "wandb.log({'_step': 77, 'a': 1})",
    "big ints": "wandb.log({'a': 2**62, 'b': 2**64, 'c': -2**63})",
    "numpy": (
        "import numpy as np\n"
        "wandb.log({'f': np.float32(0.5), 'd': np.float64(0.1), 'i': np.int64(3), "
        "'b': np.bool_(True), 'u': np.uint8(7)})\n"
        "wandb.log({'f': 1.0}, step=np.int64(9))"
    ),
    "type changes": "wandb.log({'a': 1}); wandb.log({'a': 0.5}); wandb.log({'a': 'x'})",
    "summary": "wandb.log({'a': 1}); wandb.summary['best'] = 2; wandb.summary.update({'x': 'y'})",
    "summary until logged": "wandb.summary['a'] = 9; wandb.log({'b': 1}); wandb.log({'a': 1})",
    "summary sticks": "wandb.log({'a': 1}); wandb.summary['a'] = 9; wandb.log({'b': 1})",
    "summary delete": "wandb.log({'a': 1, 'b': 2}); del wandb.summary['a']",
    "summary nested": "wandb.summary['n'] = {'a': 1}; wandb.log({'b': 1})",
    "none and summary": "wandb.log({'a': 1}); wandb.log({'a': None})",
    "config": "wandb.config.update({'t': (1, 2), 'n': {'a': None}}); wandb.config['k'] = 'v'",
    "config attribute": "wandb.config.x = 1; wandb.config.update({'x': 2}, allow_val_change=True)",
    "config dashes": "wandb.config.update({'--lr': 0.1})",
    "setdefaults": "wandb.config.setdefaults({'given': 5, 'other': 6})",
    "mutation": "d = {'l': [1]}; wandb.log(d); d['l'].append(2); wandb.log(d)",
    "refused value": (
        "try:\n    wandb.log({'a': 1, 'o': object()})\nexcept TypeError: pass\nwandb.log({'b': 1})"
    ),
    "refused step": "try:\n    wandb.log({'a': 1}, step=1.5)\nexcept TypeError: pass",
    "exit code": "wandb.log({'a': 1}); wandb.finish(3)",
    "open row at exit": "wandb.log({'a': 1}, step=4)",
    "two runs": "wandb.log({'a': 1}); wandb.finish(); wandb.init(project='q'); wandb.log({'b': 2})",
    "with": "wandb.finish()\nwith wandb.init(project='w', tags=['t']) as run: run.log({'a': 1})",
    "tuples and enum-free lists": "wandb.log({'t': (1, 2), 'e': []})",
    "number types and keys kept": "[wandb.log({'a': v}) for v in (1, 1.0, True, '1', None, [1])]",
    "deep lists": "wandb.log({'l': [[1, [2, {'a': [3]}]]], 't': ((1,), [])})",
    "own _timestamp and _runtime": "wandb.log({'_runtime': 5, 'a': 1}); wandb.log({'_runtime': 1})",
    "nested across commits": (
        "wandb.log({'n': {'a': 1}}, commit=False); wandb.log({'n': {'b': 2}}); wandb.log({'n': 3})"
    ),
    "commit False at a step": (
        "wandb.log({'a': 1}, step=2, commit=False); wandb.log({'b': 1}, commit=False); "
        "wandb.log({'c': 1}, step=2, commit=True); wandb.log({'d': 1})"
    ),
    "the same keys, other order": "wandb.log({'a': 1, 'b': 2}); wandb.log({'b': 3, 'a': 4})",
    "step zero, then none": "wandb.log({'a': 1}, step=0); wandb.log({'b': 1})",
    "negative step": "wandb.log({'a': 1}, step=-1); wandb.log({'b': 1})",
    "open row at finish": "wandb.log({'a': 1}, commit=False); wandb.finish()",
    "empty rows with steps": "wandb.log({}, step=3); wandb.log({}, step=5); wandb.log({'a': 1})",
    "summary update nested": (
        "wandb.log({'n': {'a': 1, 'b': 2}}); wandb.summary.update({'n': {'c': 3}})"
    ),
    "summary write through": (
        "wandb.summary['d'] = {'x': {}}; wandb.summary['d']['x']['w'] = 3; wandb.summary.d.y = 4"
    ),
    "summary nested delete": (
        "wandb.log({'n': {'a': 1, 'b': 2}}); wandb.run.summary.update({'m': 1}); "
        "del wandb.summary['n']; del wandb.summary['nothing']"
    ),
    "summary None and NaN": (
        "wandb.summary['a'] = 1; wandb.summary['b'] = 2; wandb.summary['a'] = None; "
        "wandb.summary['b'] = float('nan'); wandb.summary['c'] = float('inf')"
    ),
    "summary, deleted and logged again": (
        "wandb.log({'a': 1}); del wandb.summary['a']; wandb.log({'a': 2})"
    ),
    "summary attribute of the run": (
        "wandb.run.summary.a = 1; wandb.run.summary['b/c'] = 'x'; wandb.run.summary['l'] = [1, {}]"
    ),
    "metric ops": (
        "wandb.define_metric('a', summary='min,max,mean,last,first'); "
        "[wandb.log({'a': v, 'b': v}) for v in (3, 1, 2.5)]"
    ),
    "metric step": (
        "wandb.define_metric('val/*', step_metric='epoch'); wandb.log({'epoch': 2}); "
        "wandb.log({'val/a': 1}); wandb.log({'val/b': 1, 'epoch': 3}); wandb.log({'x': 1})"
    ),
    "metric star": (
        "wandb.define_metric('*', step_metric='g', step_sync=True); wandb.log({'g': 5}); "
        "wandb.log({'a': 1}); wandb.log({'b': 1}, step=9)"
    ),
    "metric, no sync": (
        "wandb.define_metric('a', step_metric='g', step_sync=False); wandb.log({'g': 5}); "
        "wandb.log({'a': 1})"
    ),
    "metric none and hidden": (
        "wandb.define_metric('a', summary='none'); wandb.define_metric('b', hidden=True); "
        "wandb.log({'a': 1, 'b': 2, 'c': 3})"
    ),
    "metric overwrite": (
        "wandb.define_metric('a', summary='min'); wandb.log({'a': 3}); "
        "wandb.define_metric('a', summary='max', overwrite=True); wandb.log({'a': 1})"
    ),
    "metric after data": (
        "[wandb.log({'a': v}) for v in (3, 1, 2)]; wandb.define_metric('a', summary='max,mean')"
    ),
    "metric and a manual value": (
        "wandb.define_metric('a', summary='max'); wandb.log({'a': 3}); wandb.summary['a'] = 7; "
        "wandb.log({'b': 1}); wandb.log({'a': 2})"
    ),
    "metric nested and escaped": (
        "wandb.define_metric('d.x', summary='max'); wandb.define_metric('a\\\\.b', summary='min'); "
        "wandb.log({'d': {'x': 2}, 'a.b': 3}); wandb.log({'d': {'x': 1}, 'a.b': 4})"
    ),
    "metric in steps and partial rows": (
        "wandb.define_metric('a', summary='mean', step_metric='g'); "
        "wandb.log({'a': 1}, step=3); wandb.log({'a': 5, 'g': 1}, step=3); "
        "wandb.log({'a': 2}, step=8)"
    ),
    "metric objects": (
        "m = wandb.define_metric('g'); wandb.define_metric('a', m, summary='copy'); "
        "wandb.log({'g': 1, 'a': 2})"
    ),
    "config kinds": (
        "import argparse, enum, pathlib, datetime, decimal\n"
        "E = enum.Enum('E', 'A')\n"
        "c = wandb.config\n"
        "c.update(argparse.Namespace(p=pathlib.Path('x'), e=E.A, s={1}, n=float('nan')))\n"
        "c.update({'d': datetime.date(2020, 1, 2), 'x': decimal.Decimal('1.5'), 'b': b'b'})"
    ),
    "config nested and odd keys": (
        "wandb.config.update({'a.b': 1, 'c/d': {'e f': [1, (2, {3: 4})]}, 'ü': None})"
    ),
    "config late": "wandb.log({'a': 1}); wandb.config.lr = 0.5; wandb.log({'a': 2})",
    "config attribute of the run": "wandb.run.config.x = 1; wandb.run.config['y'] = {'z': 2}",
    "config changed again and again": (
        "[wandb.config.update({'given': i}, allow_val_change=True) for i in range(5)]"
    ),
    "config rebound": "wandb.config = {'lost': 1}; wandb.log({'a': 1})",
    "name, notes and tags set": (
        "wandb.run.name = 'other'; wandb.run.notes = 'more'; wandb.run.tags = ('a', 'b'); "
        "wandb.run.tags += ('c',)"
    ),
    "finish twice": "wandb.log({'a': 1}); r = wandb.run; r.finish(2); r.finish(0); wandb.finish(1)",
    "create_new beside": (
        "r = wandb.init(project='p', reinit='create_new', id='beside'); r.log({'a': 1}); "
        "wandb.log({'b': 2}); r.summary['c'] = 3; r.finish()"
    ),
    "returned run": (
        "wandb.init(project='other', config={'lost': 1}, tags=['lost']).log({'a': 1}); "
        "wandb.init(reinit=False).log({'a': 2}); wandb.init(reinit='return_previous').log({'a': 3})"
    ),
    "finish_previous": (
        "wandb.log({'a': 1}, commit=False); wandb.init(project='p2', reinit=True).log({'a': 2}); "
        "wandb.init(project='p3', reinit='finish_previous').log({'a': 3})"
    ),
    "with and an error": (
        "wandb.finish()\n"
        "try:\n    with wandb.init(project='w') as run:\n        run.log({'a': 1}); 1 / 0\n"
        "except ZeroDivisionError: pass"
    ),
    "with and SystemExit": (
        "wandb.finish()\n"
        "try:\n    with wandb.init(project='w') as run: raise SystemExit(0)\n"
        "except SystemExit: pass"
    ),
    "with and a finish inside": (
        "wandb.finish()\nwith wandb.init(project='w') as run: run.log({'a': 1}); run.finish(4)"
    ),
}

# Where ours is other than wandb's on purpose: script -> path -> ours.
KNOWN: dict[str, dict[str, Any]] = {
    # wandb shows the new values in run.summary and does not write them down.
    "metric after data": {"runs[0].summary.a": {"max": 3, "mean": 2}},
}
