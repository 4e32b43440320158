"""n and D: the law of the noise, and how it is found, drawn, made white and undone."""
