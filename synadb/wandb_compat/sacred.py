"""`wandb.sacred`: another name of `wandb.integration.sacred`."""

import sys

from synadb.wandb_compat.integration import sacred

sys.modules[__name__] = sacred
