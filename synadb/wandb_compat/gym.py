"""`wandb.gym`: another name of `wandb.integration.gym`."""

import sys

from synadb.wandb_compat.integration import gym

sys.modules[__name__] = gym
