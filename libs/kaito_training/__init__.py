"""What a training_config.yaml may hold. The tuner and the workspace-controller share these rules.

Needs no training library: the controller checks a file before a node is paid for, and the tuner's
fetch phase before anything is downloaded.
"""
