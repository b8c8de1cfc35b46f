"""The model card: what an adapter is and how it was made, in the form that model hubs show."""
