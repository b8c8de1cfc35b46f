"""What this front door knows of the demand for each model, for the controller that scales them."""
