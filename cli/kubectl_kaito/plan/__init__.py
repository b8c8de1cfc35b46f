"""`kubectl kaito plan`: what it would cost, before anything is requested."""
