"""What `synadb export --to wandb` says of what wandb would not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from synadb.cli import main
from synadb.tracker import ExperimentTracker
from tests.test_export import needs_wandb


@needs_wandb
def test_what_is_left_out_is_said_once(
    db_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    content = tmp_path / "content.txt"
    with ExperimentTracker(db_path) as tracker:
        for number, run_id in enumerate(("one", "two")):
            run = tracker.run("e", run_id=run_id)
            run.set_summary({"_runtime": number})
            tracker.finish(run)
            tracker.log_file(run_id, "../out.txt", b"")
        tracker.log_file("two", "/etc/out.txt", b"")
        for version in range(2):
            content.write_text(str(version), encoding="utf-8")
            # A type that wandb keeps for itself.
            tracker.artifacts.log("a", str(content), type="wandb-history", run_id="two")
    words = ["export", "one", "two", str(db_path), "--to", "wandb", "--out", str(tmp_path / "x")]
    assert main(words) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    reason = "wandb has its own, or no such name"
    assert said[:3] == [
        "left out of 2 runs: the duration: wandb measures its own",
        f"left out of 2 runs: file ../out.txt: {reason}",
        f"left out of two: file /etc/out.txt: {reason}",
    ]
    (refused,) = said[3:]
    assert refused.startswith("left out of two: artifact a: ")
    assert refused.endswith(" (2 times)")
