"""What each graph operator computes, as a tensor expression: one family a file.

How an operator's shapes follow and how it fuses are interfaces of its op (`dialects/graph.py: TensorOp`), because its
verifier asks for them.
"""
