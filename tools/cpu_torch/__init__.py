"""torch for machines without a GPU, with empty libraries in place of the CUDA wheels.

torch's only Linux wheel on PyPI needs 4 GB of CUDA libraries just to be imported. Nothing calls
them on a CPU, so libraries that only satisfy the dynamic linker are enough. Never use this in a GPU
image.
"""
