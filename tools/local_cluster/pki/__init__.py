"""The cluster's certificates, and the kubeconfigs that hold them."""
