"""What each framework calls a loss: lines of data."""
