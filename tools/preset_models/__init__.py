"""Small models and data for clusters that cannot download any: trained and generated here.

They carry the names of real presets, so that the documented manifests run as they are.
"""
