"""Features: what a scheduled kernel looks like, in numbers that say how fast it is on any CPU."""
