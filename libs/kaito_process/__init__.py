"""What every process of ours has: settings from the environment, JSON logs. Knows no Kubernetes."""
