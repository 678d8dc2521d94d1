"""Passes on rung 4a and from it to rung 4b."""
