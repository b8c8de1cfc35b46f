"""One training on several processes: how they are started, and how one of them fails."""
