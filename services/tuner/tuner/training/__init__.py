"""Training itself. Everything here may import torch, and nothing outside does."""
