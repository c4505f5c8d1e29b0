"""What prose and code install by themselves, at run time."""
