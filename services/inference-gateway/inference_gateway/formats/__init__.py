"""The API formats spoken over HTTP, as pure translations to and from the contract."""
