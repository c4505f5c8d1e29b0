"""The forms in which a vetting is given to others: one module for each."""
