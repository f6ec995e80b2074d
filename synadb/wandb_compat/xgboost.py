"""`wandb.xgboost`: another name of `wandb.integration.xgboost`."""

import sys

from synadb.wandb_compat.integration import xgboost

sys.modules[__name__] = xgboost
