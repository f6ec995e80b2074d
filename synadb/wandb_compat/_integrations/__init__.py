"""The callbacks and plots that wandb ships for other libraries.

The public modules in `wandb.integration` get their names from here when somebody asks for them:
only then is the library imported that they are for.
"""
