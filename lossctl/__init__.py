"""lossctl: judge a file of predictions."""

__version__ = "0.1.0"
