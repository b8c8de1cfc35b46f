"""The loops that act: claims, the listing of the agent pools, garbage collection."""
