"""The subcommands: what each takes and prints. What they do is in the modules beside this package."""
