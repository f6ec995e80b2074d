"""`wandb.apis.reports.v2`: another name of `wandb.apis.reports`."""

import sys

from synadb.wandb_compat.apis import reports

sys.modules[__name__] = reports
