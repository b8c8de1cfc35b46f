"""Training itself. Only this package may import torch."""
