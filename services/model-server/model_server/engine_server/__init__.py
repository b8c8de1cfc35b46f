"""What all engines have in common whose model runs in the server of another container."""
