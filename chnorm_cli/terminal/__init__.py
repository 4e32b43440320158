"""What a person sees: one console on stderr, the live view, plain and JSON progress, plots."""
