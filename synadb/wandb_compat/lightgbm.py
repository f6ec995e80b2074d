"""`wandb.lightgbm`: another name of `wandb.integration.lightgbm`."""

import sys

from synadb.wandb_compat.integration import lightgbm

sys.modules[__name__] = lightgbm
