"""A shard: fans the program out to its listeners."""
