"""What is watched beside a run: the machine, the console, the environment."""
