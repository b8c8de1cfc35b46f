"""Signatures and provenance of images, in the form that cosign 3 writes and verifies.

docs/design/0014-signatures-of-adapters.md says why this is own code. Knows no registry.
"""
