"""The durable state: one implementation on SQLite and PostgreSQL. Owns SQLAlchemy and Alembic."""
