"""What each operator of the `graph` dialect computes, in numpy: slowly, plainly, and sharing nothing with the tensor
expressions, so that a bug there cannot hide here. The oracle of the graph rung and constant folding ask here.
"""
