"""The services as processes of their own, for tests that break them: fuzzers and the soak test."""
