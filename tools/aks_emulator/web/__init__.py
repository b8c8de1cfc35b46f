"""The HTTP face: Resource Manager, the Entra token endpoint, and the emulator's own controls."""
