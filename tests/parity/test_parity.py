"""Each script runs unmodified under both; what was recorded must be equal."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)

SCRIPTS = {
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
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_records_the_same(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import wandb\n"
        "wandb.init(project='p', config={'given': 1}, notes='n', group='g', job_type='j')\n"
        + SCRIPTS[name]
        + "\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "synadb.cli", "compare", "--repeat", "1", str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "recorded the same" in done.stdout
