"""How often intervals cover what they should, and tests find what is not there, over many drawn data sets."""
