"""What reading an answer raises where it has another form than the server's API."""

# OverflowError: JSON of Python's kind has Infinity, which is no number of tokens.
UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
