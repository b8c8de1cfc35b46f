"""What a refusal of the hub means to the user of a Workspace. Pure."""

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_presets.hub.refusal import ModelRefusal
from workspace_controller.hub.client import (
    AccessDenied,
    HubAway,
    HubError,
    NoUsableAnswer,
    RevisionMissing,
    TokenRefused,
)

_SECRET = "presetOptions.modelAccessSecret"


def refused(error: HubError, name: str, revision: str, secret: str) -> ModelRefusal:
    """The refusal of a model. `secret` names the Secret of the token; empty without one."""
    if isinstance(error, RevisionMissing):
        return ModelRefusal(
            Reason.MODEL_UNKNOWN,
            f"{name!r} has no revision {revision!r} on the hub",
            f"set the annotation {labels.MODEL_REVISION} to a branch, a tag or a commit that it "
            "has, or remove it",
        )
    if isinstance(error, TokenRefused):
        return ModelRefusal(
            Reason.MODEL_GATED,
            f"the hub refuses the token in Secret {secret!r}",
            "put a token that is valid into its key HF_TOKEN",
        )
    if isinstance(error, AccessDenied):
        return _denied(name, secret)
    hint = (
        f"the token in Secret {secret!r} does not open it"
        if secret
        else f"name a Secret with a token in {_SECRET} if it is private"
    )
    return ModelRefusal(
        Reason.MODEL_UNKNOWN,
        f"the hub has no model {name!r}, or it is private",
        f"correct the name; {hint}",
    )


def _denied(name: str, secret: str) -> ModelRefusal:
    page = f"accept its license at https://huggingface.co/{name}"
    if not secret:
        return ModelRefusal(
            Reason.MODEL_GATED,
            f"{name!r} is gated, and there is no token",
            f"{page}, and name a Secret in {_SECRET} whose key HF_TOKEN holds a token of that "
            "account",
        )
    return ModelRefusal(
        Reason.MODEL_GATED,
        f"{name!r} is gated, and the token in Secret {secret!r} has no access to it",
        f"{page} with the account of that token; a fine-grained token needs the right to read "
        "gated repositories",
    )


def without_token(name: str, secret: str) -> ModelRefusal:
    """The hub is not asked: it would only ask for the token."""
    return ModelRefusal(
        Reason.SECRET_MISSING,
        f"{name!r} is not looked up, because Secret {secret!r} does not exist or holds no token",
        "create it in the namespace of the Workspace, with the key HF_TOKEN",
    )


def unusable(error: NoUsableAnswer, name: str) -> ModelRefusal:
    """The hub's answer about this model is of no use."""
    return ModelRefusal(
        Reason.HUB_UNAVAILABLE,
        f"the hub gives no usable answer about {name!r}: {error}",
        "it is asked again; name another model or revision, or check what answers at "
        "workspace-controller.settings.hubEndpoint",
    )


def away(error: HubAway) -> ModelRefusal:
    """The hub does not answer, whichever model is asked about."""
    return ModelRefusal(
        Reason.HUB_UNAVAILABLE,
        f"the hub is not available: {error}",
        "it is asked again; check that the controller may reach it "
        "(workspace-controller.settings.hubEndpoint)",
    )
