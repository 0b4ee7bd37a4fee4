"""What a pass over the rows can hold besides plain sums: arrays in, parts out that merge in any order."""
