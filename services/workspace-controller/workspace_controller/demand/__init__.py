"""The demand for models, as the front doors report it: one sum for all who scale."""
