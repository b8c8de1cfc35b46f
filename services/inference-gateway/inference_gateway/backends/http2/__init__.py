"""gRPC calls over HTTP/2, with as little work for a call and for a message as the protocol allows.

Channel      connects to one model-server, and again when the connection is lost
Connection   one connection: frames in, frames out, flow control
Call         one call: its messages, its status
"""
