"""`wandb.Api`: the runs, projects, files and artifacts of the database, read and edited."""
