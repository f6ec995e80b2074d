"""Sweeps: what to try next, and what to stop.

`config.parse` checks a config; `suggest.suggest` gives the next parameters from the trials so far;
`hyperband.decide` says which trials to stop, and why. All of these are pure functions.
"""
