"""What a process measures, chooses and reports about itself when it starts and ends."""
