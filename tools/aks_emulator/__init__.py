"""Answers, on this machine, the calls that provisioning makes to Resource Manager and Entra."""
