"""Models held against each other, row by row: the first is the baseline."""
