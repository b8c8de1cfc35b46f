"""How messages, tools and whole conversations are read, in any of their forms."""
