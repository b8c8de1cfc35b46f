"""What the gateway costs, beside other things that could stand in its place."""
