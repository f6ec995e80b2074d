"""Training scripts leave the same under real wandb and under ours.

Those whose libraries are not installed are skipped, and say which; `make frameworks` has them all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.frameworks import document
from tests.frameworks.play import Script, compare, scripts


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)
def test_script(script: Script, tmp_path: Path) -> None:
    missing = script.missing()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    outcome = compare(script, tmp_path)
    assert not outcome.problems, "\n".join(outcome.problems)
    assert outcome.values > 0


def test_every_script_says_what_it_is_about() -> None:
    found = scripts()
    assert found
    for script in found:
        assert script.libraries, script.name


def test_the_document_names_every_script_and_every_difference() -> None:
    page = document.PAGE.read_text(encoding="utf-8")
    for script in scripts():
        assert f"- `{script.name}`: " in page
    assert document.differences(scripts()) in page
