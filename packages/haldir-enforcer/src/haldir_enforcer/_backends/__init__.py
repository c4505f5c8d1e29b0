"""Ways of confining a process other than the built-in one of Linux."""
