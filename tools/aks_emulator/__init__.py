"""A local stand-in for Azure Resource Manager and Entra, as far as provisioning needs them."""
