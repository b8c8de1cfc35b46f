"""What a cluster needs beside its control plane: DNS, registry, kube-proxy, token discovery."""
