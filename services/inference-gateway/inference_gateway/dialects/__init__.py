"""The request and answer formats spoken over HTTP, as pure translations to the contract."""
