"""etcd, the API server, the controllers and the scheduler."""
