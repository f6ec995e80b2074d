"""Scripts run under real wandb (offline) and under the drop-in, and compared field by field."""
