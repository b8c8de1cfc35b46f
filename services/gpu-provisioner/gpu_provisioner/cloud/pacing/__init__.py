"""At which pace this process calls the cloud: a budget, a gate and a queue."""
