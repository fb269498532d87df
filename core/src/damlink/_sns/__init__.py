"""Receiving side of Amazon SNS over HTTP: envelopes, signatures, confirmations. Stores nothing."""
