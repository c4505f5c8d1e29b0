"""The bytes of a skill, made ready to be shown to a model: files, lines, chunks, and what rules see in them."""
