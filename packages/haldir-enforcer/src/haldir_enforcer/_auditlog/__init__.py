"""How lines of an audit log are made, folded, stored and checked."""
