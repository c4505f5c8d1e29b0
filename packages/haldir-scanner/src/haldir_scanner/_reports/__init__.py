"""Reports: their records, forms, and what is left out of them."""
