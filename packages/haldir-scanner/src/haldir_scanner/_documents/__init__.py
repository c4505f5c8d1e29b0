"""Documents: what of them is code, what is hidden, what they declare."""
