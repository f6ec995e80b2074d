"""The less common names of `wandb.util`, imported when one of them is asked for."""
