"""What a loss is: plain functions with their roles, options and domains; no loops, no I/O, no numba."""
