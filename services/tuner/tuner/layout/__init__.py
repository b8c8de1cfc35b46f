"""How the files of a dataset are laid out: which are data, of which configuration and split."""
