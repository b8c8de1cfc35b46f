"""gRPC as all services speak it: one kind of server, one kind of channel, one kind of error."""

import os

# gRPC reads both when it is imported, so each service's package imports this one first.
#
# Services start other programs and never fork themselves, so gRPC has nothing to do at a fork;
# with its support on, it complains on stderr each time, outside the logs.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# gRPC writes to stderr itself, not as JSON logs, and reports there each peer that stops
# ("Got goaway"), which is no news: the calls get their errors. Its own errors remain.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
