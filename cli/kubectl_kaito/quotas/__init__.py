"""What an Azure subscription may still create in a region: the seam, the Azure CLI, and a fake."""
