"""A⁺y: the answers without a network."""
