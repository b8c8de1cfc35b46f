"""What is to be done, decided from what was observed. Pure: no client, no clock, no framework."""
