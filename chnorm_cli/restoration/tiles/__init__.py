"""Large pictures in tiles: what is learnt once from parts of the picture, and what is done in each tile."""
