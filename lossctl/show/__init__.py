"""A result to text: tables for people, documents for machines, rows for files."""
