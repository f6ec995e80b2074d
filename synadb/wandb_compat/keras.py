"""`wandb.keras`: another name of `wandb.integration.keras`."""

import sys

from synadb.wandb_compat.integration import keras

sys.modules[__name__] = keras
