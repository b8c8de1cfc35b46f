"""The pace at which this process calls the cloud: token buckets and an operation queue."""
