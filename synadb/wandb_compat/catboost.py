"""`wandb.catboost`: another name of `wandb.integration.catboost`."""

import sys

from synadb.wandb_compat.integration import catboost

sys.modules[__name__] = catboost
