"""gRPC as all services speak it: one kind of server, one kind of channel, one kind of error."""

import os

# Read when gRPC starts. Services start other programs and never fork themselves, so gRPC has
# nothing to do at a fork; with its support on, it complains on stderr each time, outside the logs.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
