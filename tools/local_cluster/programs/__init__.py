"""The programs that the cluster runs, built once into the cache."""
