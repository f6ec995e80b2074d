"""Encoders: from plain values to the bytes of a file, with no notion of runs."""
