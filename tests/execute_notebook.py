"""Execute a notebook where it lies, and store its outputs in it.

    python -m tests.execute_notebook examples/notebooks/wandb_comparison.ipynb

Measured figures are those of this machine at this moment: do it on a quiet one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

from tests.conftest import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

TIMEOUT = 300  # seconds a cell


def execute(path: Path) -> NotebookNode:
    """Run all cells of the file at `path` in its folder, in a kernel of this interpreter.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=TIMEOUT, record_timing=False)
    # A kernel that the user has registered under the same name may be another Python.
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    client.resources = {"metadata": {"path": str(path.parent)}}
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        client.execute(env={**os.environ, "PYTHONPATH": search, "IPYTHONDIR": folder})
    # The exact version of Python is in an output; here it would only change with each machine.
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def fingerprint(notebook: NotebookNode) -> str:
    """Tells whether outputs belong to the code above them: a digest of all code cells."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def main(arguments: list[str]) -> None:
    for name in arguments:
        path = Path(name).resolve()
        notebook = execute(path)
        notebook.metadata["executed"] = fingerprint(notebook)
        nbformat.write(notebook, path)
        print(f"executed {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
