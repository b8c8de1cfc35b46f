"""What a tuning would make of a file of the user's machine, before anything is uploaded."""
