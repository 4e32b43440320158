"""One module a task: it corrupts the pictures, and lets chnorm and its peers restore them."""
