"""A claim's life as pure steps: launch, registration, initialization, termination."""
