"""Where known vulnerabilities come from."""
