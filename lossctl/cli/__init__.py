"""argv to a request, a result to stdout, an error to one line and an exit code."""
