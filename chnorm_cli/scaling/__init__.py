"""Many pictures: what one restoration asks for, how it runs, and processes that run several."""
