"""The same script under real wandb and under SynaDB: what it costs, and what was recorded."""
