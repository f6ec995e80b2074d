"""`wandb.Artifact`: versions of sets of files, put together, stored, and read again."""
