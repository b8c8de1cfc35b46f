"""The front door's choice of a replica, for other gateways: the endpoint picker protocol 1.0.0."""
