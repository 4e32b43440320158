"""G_θ: untrained networks with channel normalization."""
