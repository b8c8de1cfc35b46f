"""How large a message may be."""

# Messages hold text: 16 MiB is more than any model's context.
MAX_REQUEST_BYTES = 16 * 2**20
# Twice what a server accepts, so that the server's own limit applies first and names itself.
MAX_CHANNEL_BYTES = 2 * MAX_REQUEST_BYTES
