"""Lets anyone read the keys of service account tokens, as a cloud's OIDC issuer does."""


def manifests() -> dict[str, dict[str, object]]:
    """API path -> object."""
    group, name = "rbac.authorization.k8s.io", "kaito-local:issuer-discovery"
    role = "system:service-account-issuer-discovery"
    return {
        f"/apis/{group}/v1/clusterrolebindings/{name}": {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "system:unauthenticated"}],
        }
    }
