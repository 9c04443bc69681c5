"""The one table of the peers: what a webhook door needs to be durable and to know a repeat."""

RECEIVED = """
CREATE TABLE received (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery_id text NOT NULL UNIQUE,
  topic text NOT NULL,
  shop text NOT NULL,
  body bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON received TO doorstep_app;
"""
