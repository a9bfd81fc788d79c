"""The `atelier` command: keys, users, webhook secrets and generations of one Atelier stack."""
