"""Data files of every format, compression and encoding, as rows of plain Python values."""
