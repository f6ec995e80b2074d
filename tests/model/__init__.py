"""Plain models: what should be there, worked out anew from all that happened."""
