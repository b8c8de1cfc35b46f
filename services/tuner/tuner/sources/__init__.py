"""Where data comes from: URLs and other addresses, down to complete files."""
