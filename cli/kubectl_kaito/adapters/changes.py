"""How the list of adapters changes. Pure."""

from dataclasses import dataclass

from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito.adapters.view import listed, name_of
from kubectl_kaito.errors import NotFoundError, UsageError

# Of a source: whose signature it needs, and whom its registry is trusted by.
_DEMANDS = ("verificationSecret", "caConfigMap")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAdapter:
    """Exactly one of `image` and `workspace` is set."""

    name: str
    image: str | None = None
    workspace: str | None = None
    pull_secrets: tuple[str, ...] = ()
    strength: float | None = None
    verification_secret: str | None = None


def added(workspace: Manifest, new: NewAdapter, *, replace: bool) -> Manifest:
    """The change that adds the adapter, or puts it in the place of the one of that name.

    Raises:
        UsageError: the Workspace cannot have it, or has one of that name.
    """
    key = key_of(workspace)
    if (new.image is None) == (new.workspace is None):
        raise UsageError("name where the adapter comes from: either --image or --workspace")
    _check_serves_preset(workspace)
    present = listed(workspace)
    names = [name_of(each) for each in present]
    if new.name not in names:
        return _change(workspace, [*present, _manifest(new)])
    if not replace:
        raise UsageError(
            f"Workspace {key} has an adapter {new.name!r} already: --replace puts this one in its "
            "place, without a request that fails"
        )
    changed = [_replacing(each, new) if name_of(each) == new.name else each for each in present]
    return _change(workspace, changed)


def removed(workspace: Manifest, name: str) -> Manifest:
    """The change that removes the adapter.

    Raises:
        NotFoundError: the Workspace has none of that name; names those that it has.
    """
    present = listed(workspace)
    left = [each for each in present if name_of(each) != name]
    if len(left) == len(present):
        names = ", ".join(sorted(name_of(each) for each in present)) or "none"
        raise NotFoundError(
            f"Workspace {key_of(workspace)} has no adapter {name!r}: it has {names}"
        )
    return _change(workspace, left)


def _check_serves_preset(workspace: Manifest) -> None:
    key = key_of(workspace)
    if workspace.get("tuning"):
        raise UsageError(
            f"Workspace {key} tunes a model, and serves the adapter that it makes: add adapters to "
            f"one that has inference.preset, for example with --workspace {key.name}"
        )
    if not (workspace.get("inference") or {}).get("preset"):
        raise UsageError(
            f"Workspace {key} has pods of its own (inference.template): mount adapters in them"
        )


def _change(workspace: Manifest, adapters: list[Manifest]) -> Manifest:
    """With the version that was read: a change of somebody else meanwhile is not overwritten."""
    version = workspace["metadata"].get("resourceVersion")
    return {
        "metadata": {"resourceVersion": version},
        "inference": {"adapters": adapters or None},
    }


def _replacing(before: Manifest, new: NewAdapter) -> Manifest:
    """With the demands on what serves under the name, unless it brings its own: no option says that
    they end."""
    manifest, source = _manifest(new), before.get("source") or {}
    kept = {field: source[field] for field in _DEMANDS if field in source}
    return {**manifest, "source": {**kept, **manifest["source"]}}


def _manifest(new: NewAdapter) -> Manifest:
    source: Manifest = {"name": new.name}
    if new.image is not None:
        source["image"] = new.image
    if new.workspace is not None:
        source["workspace"] = new.workspace
    if new.pull_secrets:
        source["imagePullSecrets"] = list(new.pull_secrets)
    if new.verification_secret is not None:
        source["verificationSecret"] = new.verification_secret
    strength = {} if new.strength is None else {"strength": f"{new.strength:g}"}
    return {"source": source, **strength}
