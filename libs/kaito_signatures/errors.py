"""The errors of signatures."""


class SignatureRefused(Exception):
    """An image has no signature that can be accepted.

    The message continues a sentence that begins with the image.
    """


class KeyUnusable(Exception):
    """A key cannot be used. The message continues a sentence that begins with where it is from."""
