"""Files in, blocks out."""
