"""Further y: the observation, corrupted once more in the same way."""
