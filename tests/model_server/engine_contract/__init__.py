"""What every engine must do, tested through the contract on each engine and the fake."""
