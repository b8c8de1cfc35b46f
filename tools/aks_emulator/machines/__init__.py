"""The virtual machines behind the agent pools."""
