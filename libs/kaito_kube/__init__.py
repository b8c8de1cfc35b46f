"""The Kubernetes edge: one seam, its implementation and its fake, and what a controller runs on."""
