"""What programs do, read from their syntax: flows of data, computed texts and names, hooks that run unasked."""
