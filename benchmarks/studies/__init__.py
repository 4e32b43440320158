"""What is measured apart from peers: error maps, sizes, kills, busy machines, stacks."""
