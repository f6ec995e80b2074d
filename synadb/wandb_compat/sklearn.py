"""`wandb.sklearn`: another name of `wandb.integration.sklearn`."""

import sys

from synadb.wandb_compat.integration import sklearn

sys.modules[__name__] = sklearn
