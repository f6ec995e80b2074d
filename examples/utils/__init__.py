"""Helpers of the notebooks in `examples/notebooks`; each works outside a notebook, too."""
