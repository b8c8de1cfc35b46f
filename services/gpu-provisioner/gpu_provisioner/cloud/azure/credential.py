"""Workload identity: the pod's token is exchanged for one of Entra's."""

from azure.identity.aio import WorkloadIdentityCredential

from gpu_provisioner.settings import Azure


def credential(azure: Azure) -> WorkloadIdentityCredential:
    """The token file is read anew at each exchange; the kubelet rotates it."""
    extra = {"connection_verify": azure.ca_file} if azure.ca_file else {}
    return WorkloadIdentityCredential(
        tenant_id=azure.tenant_id,
        client_id=azure.client_id,
        token_file_path=azure.token_file,
        authority=azure.authority_host,
        disable_instance_discovery=not azure.instance_discovery,
        **extra,
    )
