"""The operators of the `graph` dialect, one family a file: the op, its result types, how it fuses, and what it computes
as a tensor expression stand together. What each computes in numpy, on its own, is in `reference/`.
"""
