"""The Admin API's real schema, made small, and the command that makes it. See NOTICE."""
