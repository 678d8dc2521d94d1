"""Candidates become trials: compiled, checked against a reference, and timed, in processes that may die."""
