"""The status that users read, and the events about its changes."""
