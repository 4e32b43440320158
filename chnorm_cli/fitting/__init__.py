"""min over θ: objectives, stopping rules and the loop that yields a `Step` each iteration."""
