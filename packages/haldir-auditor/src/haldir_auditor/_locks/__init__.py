"""One module per format of lock file."""
