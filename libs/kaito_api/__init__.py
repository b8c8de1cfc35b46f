"""The resources that the services meet in. Knows no client, no framework and no service."""
