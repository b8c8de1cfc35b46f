"""What machines cost: the seam to Azure's price list, and what was read last."""
