"""GPU instance types (SKUs) as data: their GPUs, other resources and approximate prices."""
