"""What every service process needs: settings from the environment, and JSON logs."""
