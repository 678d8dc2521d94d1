"""Search: who says which candidates of a space are measured next."""
