"""The error of this package."""


class ConfigError(ValueError):
    """A training_config.yaml is wrong; the message names section, key, value and remedy."""
