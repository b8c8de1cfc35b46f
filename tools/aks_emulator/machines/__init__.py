"""The virtual machines behind the agent pools: which there should be, and how they come about."""
