"""The embedded stack: real PostgreSQL, real Kafka and the services as child processes of one supervisor."""
