"""Tests of compliance: rules as tables, the store on a real PostgreSQL, the service without Kafka."""
