"""lossctl from Python: what the package offers by name, and what the command line is a layer over."""
