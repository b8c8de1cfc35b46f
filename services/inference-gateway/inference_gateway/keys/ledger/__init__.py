"""What each key has used and may still use, exact over all replicas of the gateway."""
