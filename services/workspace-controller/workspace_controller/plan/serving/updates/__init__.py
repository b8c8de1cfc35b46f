"""When a workload changes, from which revision to which, and back."""
