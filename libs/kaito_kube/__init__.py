"""The Kubernetes client: the `Cluster` seam, its implementation and fake, and controller parts."""
