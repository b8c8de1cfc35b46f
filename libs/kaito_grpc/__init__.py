"""gRPC as all services speak it: one kind of server, one kind of channel, one kind of error."""
