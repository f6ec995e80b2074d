"""`wandb.integration.torch`: what stands behind `wandb.watch`."""
