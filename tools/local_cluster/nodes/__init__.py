"""Real nodes: a network namespace each, with its own containerd, kubelet and kube-proxy."""
