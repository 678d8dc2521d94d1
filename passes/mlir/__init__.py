"""Passes on rung 4b and from it to rung 5."""
