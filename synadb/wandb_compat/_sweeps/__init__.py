"""`wandb.sweep`, `wandb.agent` and `wandb.controller`."""
