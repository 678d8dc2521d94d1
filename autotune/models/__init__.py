"""Cost models: which candidate is how fast, from its features, before anybody measures it."""
