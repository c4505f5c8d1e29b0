"""Configuration that starts programs or steers agents: MCP servers, hooks, manifests."""
