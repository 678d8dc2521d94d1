"""The patterns of `graph-simplify`, by what they are about."""
