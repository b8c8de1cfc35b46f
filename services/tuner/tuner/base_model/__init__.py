"""The files of the base model, and the errors of the libraries that read them."""
