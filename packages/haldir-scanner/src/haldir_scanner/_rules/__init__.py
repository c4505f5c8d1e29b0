"""Rules: their records, bundles, authoring and scoring."""
