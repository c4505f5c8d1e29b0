"""Client library for agent runtimes: verify what tools and skills say, install and enforce.

What is there today is SchemaPin: see `haldir_sdk.schemapin`.
"""

__all__: list[str] = []
