"""What `graph-fuse` is made of: which operators run together, and kernels made of them."""
