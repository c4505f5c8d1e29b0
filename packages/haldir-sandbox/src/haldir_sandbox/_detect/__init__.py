"""One module per place where a skill says what can be run."""
