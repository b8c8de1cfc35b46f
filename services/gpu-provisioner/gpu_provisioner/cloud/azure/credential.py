"""Workload identity: the pod's service account token is exchanged for a token of Entra ID."""

from azure.identity.aio import WorkloadIdentityCredential

from gpu_provisioner.settings import Azure


def credential(azure: Azure) -> WorkloadIdentityCredential:
    """Return a credential that reads the token file at every exchange, because the kubelet
    rotates it."""
    extra = {"connection_verify": azure.ca_file} if azure.ca_file else {}
    return WorkloadIdentityCredential(
        tenant_id=azure.tenant_id,
        client_id=azure.client_id,
        token_file_path=azure.token_file,
        authority=azure.authority_host,
        disable_instance_discovery=not azure.instance_discovery,
        **extra,
    )
