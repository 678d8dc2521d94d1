"""The backend for CPUs, through LLVM."""
