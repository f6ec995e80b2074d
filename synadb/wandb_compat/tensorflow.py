"""`wandb.tensorflow`: another name of `wandb.integration.tensorflow`."""

import sys

from synadb.wandb_compat.integration import tensorflow

sys.modules[__name__] = tensorflow
