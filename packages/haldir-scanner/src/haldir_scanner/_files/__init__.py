"""Files: how they are found, what they are, and the texts that they hold."""
