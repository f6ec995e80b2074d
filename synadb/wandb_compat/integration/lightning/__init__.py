"""`wandb.integration.lightning`."""
