"""Distributions, tests and corrections: plain numbers in, plain numbers out."""
