"""How a declaration becomes machine code: arithmetic, tile loops, exact sums, the cache of compiled objects."""
