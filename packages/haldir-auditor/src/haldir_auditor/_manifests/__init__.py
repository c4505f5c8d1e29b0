"""One module per format of a file that declares dependencies."""
