"""The loops that act: claims, the listing of agent pools, garbage collection."""
