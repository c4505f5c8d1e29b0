"""How a skill in a process of its own asks for agent capabilities over an inherited socket."""
