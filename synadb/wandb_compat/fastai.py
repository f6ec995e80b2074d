"""`wandb.fastai`: another name of `wandb.integration.fastai`."""

import sys

from synadb.wandb_compat.integration import fastai

sys.modules[__name__] = fastai
