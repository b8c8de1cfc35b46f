"""torch for machines without a GPU: the CUDA wheels left out, ELF stand-ins in their place.

torch's only Linux wheel on PyPI needs 4 GB of CUDA libraries even to be imported. On a CPU
nothing calls them, so stand-ins that only satisfy the dynamic linker do. Never for a GPU image.
"""
