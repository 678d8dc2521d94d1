"""The database of trials: what was measured, and what the compiler makes of it."""
