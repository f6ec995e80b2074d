"""Scripts that run under real wandb and under the drop-in: see `tests.parity.play`."""
