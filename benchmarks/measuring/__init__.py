"""How anything is measured: pictures, scores, times, and rows that are kept at once."""
