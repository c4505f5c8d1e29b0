"""How permissions become a policy, and how a policy is asked."""
