"""The lifecycle of a claim as pure stages: launch, registration, initialization, health,
termination. Also pure: which Nodes belong to a claim, and what garbage collection deletes."""
