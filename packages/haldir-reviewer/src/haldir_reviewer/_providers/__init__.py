"""The providers of language models that can be asked, by the protocols that they speak."""
