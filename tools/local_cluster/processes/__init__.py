"""Background processes, the control groups they live in, and other programs run to their end."""
