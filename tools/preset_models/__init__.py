"""A small model and a dataset for clusters that cannot download any.

The model has the names of real presets, so that the documented manifests run unchanged.
"""
