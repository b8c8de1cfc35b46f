"""Identifies what a tuning run trains from, so that a change of it is noticed."""

from collections.abc import Mapping
from typing import Any

from kaito_api.workspace import Tuning
from workspace_controller.manifests.metadata import digest

# Jobs carry the revision that an earlier release gave them, so a digest always has these fields.
# One that is added to the API later counts where it is set, and does not belong here.
_FIRST_FIELDS: Mapping[str, Any] = {
    "preset": {
        "access_mode": "public",
        "preset_options": {"image": None, "image_pull_secrets": [], "model_access_secret": None},
    },
    "method": "lora",
    "config": None,
    "input": {
        "name": None,
        "urls": [],
        "volume_source": None,
        "image": None,
        "image_pull_secrets": [],
    },
    "output": {"volume_source": None, "image": None, "image_push_secret": None},
}

# How the image is pushed: a change of it repeats no training that has succeeded.
_NOT_TRAINED_FROM = {"image_push_secret", "signing_secret", "ca_config_map", "overwrite"}


def adapter_revision(tuning: Tuning) -> str:
    """Identifies what an adapter is trained from.

    Secrets and the images of this release are not part of it: a renewed Secret or an upgrade must
    not repeat the training.
    """
    output = tuning.output.model_dump(mode="json", exclude=_NOT_TRAINED_FROM)
    source = tuning.input.model_dump(mode="json", exclude={"image_pull_secrets", "access_secret"})
    return digest(
        [tuning.preset.name, tuning.method, tuning.config, source, output],
    )


def job_revision(tuning: Tuning, config: str) -> str:
    """Identifies what a Job that has not succeeded yet runs: the adapter's revision and its input.

    The release's default configuration is not part of it: an upgrade must not restart a run.
    """
    text = config if tuning.config else ""
    set_ = tuning.model_dump(mode="json", exclude_defaults=True)
    return f"{adapter_revision(tuning)}-{digest([_completed(set_, _FIRST_FIELDS), text])}"


def _completed(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, and the defaults of those that are missing."""
    parts = {
        name: _completed(value, defaults[name]) if isinstance(defaults.get(name), dict) else value
        for name, value in fields.items()
    }
    return {**defaults, **parts}
