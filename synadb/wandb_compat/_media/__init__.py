"""The data types of wandb: images, tables, audio and so on, from objects to files and JSON."""
