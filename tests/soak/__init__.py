"""Hours in minutes: mixed load over a front door and three model-servers, with faults, where the
right answer to every request is known."""
