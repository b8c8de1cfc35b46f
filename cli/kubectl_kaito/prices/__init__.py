"""What Azure charges: the seam to its price list, the cache, and a fake."""
