"""y, A and the noise: what is known about one corrupted picture."""
