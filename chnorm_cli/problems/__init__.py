"""y and A: the operators, and what is known about one corrupted picture."""
